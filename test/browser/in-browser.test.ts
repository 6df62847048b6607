/** Videos that the browser makes itself, on a host that has nothing but files; and what the page says when that fails. */

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium, noPage, pageSuite } from "../support/browser.ts";
import { corrupted, cutOff, type PageHost, startPageHost } from "../support/page-host.ts";
import { ask, drawn, play, strangers, type Visitor, visitor } from "../support/playground.ts";

const PATIENCE_MS = 480_000;
const WISH = { prompt: "a red circle moves left on a blue background", steps: 2 };
/** Files that the engine downloads at a time. */
const AT_ONCE = 4;
const BLOCK = "models/shapes/block_5.bin";

describe.skipIf(noPage)(pageSuite("a page that makes videos itself"), { timeout: PATIENCE_MS }, () => {
  let host: PageHost;
  let browser: Browser;
  let visit: Visitor;
  let page: Page;

  beforeAll(async () => {
    host = await startPageHost();
    // WebAssembly takes seconds where a WebGPU without a graphics card takes minutes; the page is the same.
    browser = await launchChromium({ webgpu: false });
  });
  afterAll(async () => {
    await browser?.close();
    await host?.close();
  });
  beforeEach(async () => {
    host.asked.length = 0;
    visit = await visitor(browser);
    page = visit.page;
    page.setDefaultTimeout(PATIENCE_MS);
  });
  afterEach(async () => {
    expect(strangers(visit, host.origin)).toEqual([]);
    await visit.context.close();
  });

  /** A notice or a problem of the run, by a part of its sentence. */
  const isSaid = (part: string | RegExp, within = page) =>
    within.locator("#stage .notice", { hasText: part }).waitFor();
  /** The model is there, and the run is under way. */
  const isRunning = (within = page) =>
    within.locator("#stage .progress strong", { hasText: /^Step \d+ of/ }).waitFor();
  const isShown = async () => {
    await page.locator("#stage video, #stage .ended").first().waitFor();
    const video = page.locator("#stage video");
    expect(await play(video)).toMatchObject({ advances: true });
    expect(await drawn(video)).toBeGreaterThan(10);
  };

  it("says that there is no server and no WebGPU, makes a video, and another one without a network", async () => {
    await page.goto(host.url);
    await page.getByText("There is no mixcache API at").waitFor();
    expect(await page.getByRole("radio", { name: "In this browser" }).isChecked()).toBe(true);
    await ask(page, WISH);
    await isSaid("no WebGPU adapter");
    await isShown();
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    await visit.context.setOffline(true);
    await page.reload();
    await ask(page, { ...WISH, prompt: "a blue star spins" });
    await isShown();
    await page.getByRole("link", { name: "History" }).click();
    await page.getByRole("heading", { name: "a blue star spins" }).waitFor();
    await page.getByRole("heading", { name: WISH.prompt }).waitFor();
  });

  it("says which file of the model is not what it should be, and goes on when it is mended", async () => {
    host.spoil(BLOCK, corrupted);
    await page.goto(host.url);
    await ask(page, WISH);
    await isSaid("block_5.bin");
    host.spoil(BLOCK, undefined);
    await page.getByRole("button", { name: "Generate" }).click();
    await isRunning();
  });

  it("says that the download was cut off, and fetches only what is missing then", async () => {
    host.spoil(BLOCK, cutOff);
    await page.goto(host.url);
    await ask(page, WISH);
    await isSaid("block_5.bin");
    host.spoil(BLOCK, undefined);
    const before = host.asked.splice(0);
    await page.getByRole("button", { name: "Generate" }).click();
    await isRunning();
    const twice = host.asked.filter((name) => /\.bin$/.test(name) && before.includes(name));
    expect(twice).toContain(BLOCK);
    // What was on its way beside it was stopped with it.
    expect(twice.length).toBeLessThanOrEqual(AT_ONCE);
  });

  it("says that the device is gone, and opens another one for the next video", async () => {
    const withDevice = await launchChromium();
    const { page: tab } = await visitor(withDevice);
    tab.setDefaultTimeout(PATIENCE_MS);
    await tab.goto(host.url);
    tab.on("worker", (worker) => worker.evaluate(rememberDevice).catch(() => {}));
    await ask(tab, { ...WISH, steps: 200 });
    await isRunning(tab);
    for (const worker of tab.workers()) await worker.evaluate(destroyDevice);
    await isSaid(/device/i, tab);
    await tab.getByRole("button", { name: "Generate" }).click();
    await isRunning(tab);
    await withDevice.close();
  });

  it("goes on while nobody sees it", async () => {
    await page.goto(host.url);
    await ask(page, WISH);
    await isRunning();
    await page.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
      Object.defineProperty(document, "hidden", { value: true, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await isShown();
  });
});

/** In the worker: keeps the device that ONNX Runtime gets, so that it can be taken away. */
function rememberDevice(): void {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...wish) {
    const device = await requestDevice.apply(this, wish);
    Object.assign(globalThis, { deviceOfTest: device });
    return device;
  };
}

function destroyDevice(): void {
  (globalThis as { deviceOfTest?: GPUDevice }).deviceOfTest?.destroy();
}
