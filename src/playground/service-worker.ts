/**
 * Keeps the page, so that it opens without a network after its first load. What the API says is never kept; the model's
 * files are kept by `browser`, which checks their digests.
 *
 * An own small one: a file is either of the page or it isn't, and the build knows which.
 */

/** The files of one build, by their names relative to the page. Put here by `scripts/playground-assets.ts`. */
interface PageFiles {
  /** Another one whenever a file is. */
  readonly version: string;
  /** Kept on the first load. */
  readonly first: readonly string[];
  /** Large, and needed by who makes videos in the browser only: kept when they are asked for. */
  readonly later: readonly string[];
}
declare const PAGE_FILES: PageFiles;

/** Of the worker's global scope, which TypeScript's library for pages doesn't have. */
interface Waiting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Waiting {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Scope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  addEventListener(type: "install" | "activate", listener: (event: Waiting) => void): void;
  addEventListener(type: "fetch", listener: (event: Fetching) => void): void;
}
const worker = globalThis as unknown as Scope;

const build = PAGE_FILES;
const PREFIX = "mixcache-page-";
const INDEX = "index.html";
const cacheName = `${PREFIX}${build.version}`;
const files = new Set([...build.first, ...build.later]);

worker.addEventListener("install", (event) => event.waitUntil(keepFirst()));
worker.addEventListener("activate", (event) => event.waitUntil(takeOver()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const name = nameOf(request.url);
  if (request.method !== "GET" || name === undefined) return;
  event.respondWith(name === INDEX ? newest(request) : kept(request, name));
});

async function keepFirst(): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.addAll(build.first.map((name) => new Request(urlOf(name), { cache: "no-cache" })));
}

/** Only now, as no page of an older build is open any more. */
async function takeOver(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== cacheName);
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** The server's, and where it doesn't answer or has just begun, the one that is kept. */
async function newest(request: Request): Promise<Response> {
  const answer = await fetch(request).catch(() => undefined);
  if (answer && answer.status < 500) return answer;
  return (await match(INDEX)) ?? answer ?? Response.error();
}

async function kept(request: Request, name: string): Promise<Response> {
  const found = await match(name);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.status === 200) {
    const cache = await caches.open(cacheName);
    // No room is no reason not to answer.
    await cache.put(urlOf(name), answer.clone()).catch(() => {});
  }
  return answer;
}

async function match(name: string): Promise<Response | undefined> {
  const cache = await caches.open(cacheName);
  return cache.match(urlOf(name), { ignoreVary: true });
}

function urlOf(name: string): string {
  return new URL(name, worker.registration.scope).href;
}

/** The file of this build that a URL means. */
function nameOf(url: string): string | undefined {
  const { origin, pathname } = new URL(url);
  const scope = new URL(worker.registration.scope);
  if (origin !== scope.origin || !pathname.startsWith(scope.pathname)) return undefined;
  const name = pathname.slice(scope.pathname.length) || INDEX;
  return files.has(name) ? name : undefined;
}
