/** The page without a network. */

/**
 * Has the browser keep the page. Nothing depends on it, so where it fails (a private window, a page that isn't served
 * over HTTPS) all is as before.
 */
export async function keepPage(): Promise<void> {
  await navigator.serviceWorker?.register("./service-worker.js", { type: "module" }).catch(() => {});
}
