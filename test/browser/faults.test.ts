/** Guarantee: whatever goes wrong in a page, the caller gets a sentence, nothing broken is kept, and the next try works. */

import { readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EngineOptions } from "../../src/browser/index.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/embedded.ts";
import { chromiumProgram, launchChromium, noPage, pageSuite } from "../support/browser.ts";
import { BUNDLE_PATH, fixturePath, openPage, type PageServer, servePage } from "../support/browser-page.ts";
import { evaluateIn, openTab, withChromium } from "../support/chromium.ts";
import { openParity, parityRequest } from "../support/parity.ts";

const REQUEST = { prompt: "a circle", num_inference_steps: 2, cache: "off" };
const SMALL = "wan-2.2-5b";
const PATIENCE_MS = 10 * 60_000;

/** Opens an engine and closes it again: what its caller gets. */
function opened(page: Page, options: EngineOptions) {
  return page.evaluate(async (how) => {
    const told: { receivedBytes: number; totalBytes: number; cachedBytes: number }[] = [];
    try {
      const engine = await window.tested.openEngine({
        ...how,
        onDownload: (progress) => told.push(progress),
      });
      const { device, notices } = engine.info;
      await engine.close();
      return { device, notices, last: told.at(-1) };
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return { code, message, last: told.at(-1) };
    }
  }, options);
}

/** How many files are kept, and of those how many are not what they are called. */
function kept(page: Page) {
  return page.evaluate(async () => {
    const found = { files: 0, wrong: 0 };
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const sha256 = new URL(request.url).searchParams.get("mixcache") ?? "";
        if (!/^[0-9a-f]{64}$/.test(sha256)) continue;
        const bytes = await (await cache.match(request))?.arrayBuffer();
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes ?? new ArrayBuffer(0)));
        found.files += 1;
        if (Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") !== sha256)
          found.wrong += 1;
      }
    }
    return found;
  });
}

describe.skipIf(noPage)(pageSuite("what goes wrong in a page"), { timeout: PATIENCE_MS }, () => {
  let server: PageServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    server = await servePage();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    page = await openPage(context, server);
    server.asked.length = 0;
  });
  afterEach(async () => {
    server.disturb = undefined;
    await context.close();
  });

  /** Lets the workers of pages begin with these lines, as a browser that behaves so. */
  const workersBeginWith = (lines: string) => {
    server.disturb = (pathname, _, response) => {
      if (!/\/worker-main-[^/]*\.js$/.test(pathname)) return false;
      response.setHeader("content-type", "text/javascript");
      response.end(`${lines};${readFileSync(path.join(server.root, pathname), "utf8")}`);
      return true;
    };
  };
  const inBundle = (pathname: string) => pathname.startsWith(BUNDLE_PATH);

  it("a corrupted file is refused by its name, and not kept", async () => {
    const broken = readFileSync(path.join(EMBEDDED_BUNDLE, "block_3.bin"));
    broken[1000] = (broken[1000] ?? 0) ^ 1;
    server.disturb = (pathname, _, response) => {
      if (!pathname.endsWith("/block_3.bin")) return false;
      response.end(broken);
      return true;
    };
    const refused = await opened(page, { bundle: BUNDLE_PATH, device: "wasm" });
    expect(refused).toMatchObject({
      code: "bundle_digest_mismatch",
      message: expect.stringMatching(
        /^The file block_3\.bin in http.* is not the one its manifest describes/,
      ),
    });
    expect((await kept(page)).wrong).toBe(0);
    server.disturb = undefined;
    expect(await opened(page, { bundle: BUNDLE_PATH, device: "wasm" })).toMatchObject({ device: "wasm" });
  });

  it("a file that is kept and rots is fetched anew", async () => {
    await opened(page, { bundle: BUNDLE_PATH, device: "wasm" });
    await page.evaluate(async () => {
      const [name = ""] = await caches.keys();
      const cache = await caches.open(name);
      for (const request of await cache.keys()) await cache.put(request, new Response("rotten"));
    });
    expect(await opened(page, { bundle: BUNDLE_PATH, device: "wasm" })).toMatchObject({ device: "wasm" });
    expect(await kept(page)).toMatchObject({ wrong: 0 });
  });

  it("offline at half the download: finished files stay, and the next try goes on from there", async () => {
    let left = 4_500_000;
    server.disturb = (pathname, request) => {
      if (!inBundle(pathname) || pathname.endsWith("model.json")) return false;
      if (left < 0) request.socket.destroy();
      left -= pathname.endsWith(".bin") ? 826_688 : 10_000;
      return left < 0;
    };
    const cut = await opened(page, { bundle: BUNDLE_PATH, device: "wasm" });
    expect(cut).toMatchObject({
      code: "bundle_unreadable",
      message: expect.stringMatching(
        /could not be downloaded \(.*\)\. Check the connection and the server\. \d+ of 26 files are kept; the next try goes on from there\.$/,
      ),
    });
    const { files, wrong } = await kept(page);
    expect(files).toBeGreaterThan(3);
    expect(files).toBeLessThan(24);
    expect(wrong).toBe(0);
    server.disturb = undefined;
    const { last } = await opened(page, { bundle: BUNDLE_PATH, device: "wasm" });
    expect(last?.cachedBytes).toBeGreaterThan(800_000);
    expect((last?.cachedBytes ?? 0) + (last?.receivedBytes ?? 0)).toBe(last?.totalBytes);
  });

  it("a page that is closed in the middle leaves whole files only", async () => {
    let stalled = () => {};
    const inTheMiddle = new Promise<void>((resolve) => {
      stalled = resolve;
    });
    server.disturb = (pathname, _, response) => {
      if (!pathname.endsWith("/block_5.bin")) return false;
      response.writeHead(200, { "content-length": "826688" });
      response.write(Buffer.alloc(400_000));
      stalled();
      return true;
    };
    const leaving = opened(page, { bundle: BUNDLE_PATH, device: "wasm" }).catch(() => "closed");
    await inTheMiddle;
    await page.close();
    expect(await leaving).toBe("closed");
    server.disturb = undefined;
    page = await openPage(context, server);
    expect(await kept(page)).toMatchObject({ wrong: 0 });
    expect(await opened(page, { bundle: BUNDLE_PATH, device: "wasm" })).toMatchObject({ device: "wasm" });
  });

  it("a second visit asks for the manifest alone, and for nothing where there is no connection", async () => {
    await opened(page, { bundle: BUNDLE_PATH, device: "wasm" });
    expect(new Set(server.asked.filter(inBundle)).size).toBe(27);
    server.asked.length = 0;
    const { last } = await opened(page, { bundle: BUNDLE_PATH, device: "wasm" });
    expect(last).toMatchObject({ receivedBytes: 0, cachedBytes: last?.totalBytes });
    expect(server.asked.filter(inBundle)).toEqual([`${BUNDLE_PATH}model.json`]);
    server.disturb = (pathname, request) => {
      if (inBundle(pathname)) request.socket.destroy();
      return inBundle(pathname);
    };
    expect(await opened(page, { bundle: BUNDLE_PATH, device: "wasm" })).toMatchObject({ device: "wasm" });
  });

  it("files of an older bundle go once the newer one is there", async () => {
    await page.evaluate(async (address) => {
      const cache = await caches.open(`mixcache ${address}`);
      await cache.put(`${address}?mixcache=${"0".repeat(64)}`, new Response("old"));
    }, `${server.origin}${BUNDLE_PATH}`);
    expect(await kept(page)).toEqual({ files: 1, wrong: 1 });
    await opened(page, { bundle: BUNDLE_PATH, device: "wasm" });
    expect(await kept(page)).toEqual({ files: 26, wrong: 0 });
  });

  it("a browser that keeps nothing downloads each time, and says so", async () => {
    workersBeginWith(
      "Cache.prototype.put = () => Promise.reject(new DOMException('no room', 'QuotaExceededError'))",
    );
    const { notices, last } = await opened(page, { bundle: BUNDLE_PATH, device: "wasm" });
    expect(notices).toEqual([expect.stringMatching(/could not keep all files of the model \(no room\)/)]);
    expect(last?.receivedBytes).toBe(last?.totalBytes);
  });

  it("without WebGPU the model runs on the processor, with a notice", async () => {
    await using plain = await launchChromium({ webgpu: false });
    const there = await openPage(plain, server);
    expect(await opened(there, { bundle: BUNDLE_PATH })).toMatchObject({
      device: "wasm",
      notices: [
        expect.stringMatching(/^This browser gives no WebGPU adapter, so the model runs on the processor/),
      ],
    });
    expect(await opened(there, { bundle: BUNDLE_PATH, device: "webgpu" })).toMatchObject({
      code: "engine_unavailable",
      message: expect.stringMatching(/no WebGPU adapter/),
    });
    expect(await there.evaluate(() => window.tested.webSupport())).toMatchObject({
      webgpu: false,
      sentences: [expect.stringMatching(/no WebGPU adapter/)],
    });
  });

  it("a device that is lost ends the video with a sentence, and the next engine works", async () => {
    workersBeginWith(`{
      const request = GPUAdapter.prototype.requestDevice;
      GPUAdapter.prototype.requestDevice = async function (...of) {
        const device = await request.apply(this, of);
        new BroadcastChannel("lose the device").onmessage = () => device.destroy();
        return device;
      };
    }`);
    const { about } = openParity(SMALL);
    const [run] = about.runs;
    if (!run) throw new Error("the fixture has no run");
    const found = await page.evaluate(
      async ([bundle, request]) => {
        const told = ({ code, message }: { code: string; message: string }) => ({ code, message });
        const engine = await window.tested.openEngine({ bundle, device: "webgpu" });
        let sent = false;
        const video = await engine
          .generate(request, {
            onProgress: ({ phase }) => {
              if (phase !== "denoise" || sent) return;
              sent = true;
              new BroadcastChannel("lose the device").postMessage("now");
            },
          })
          .then(() => "made", told);
        const lost = told(await engine.lost);
        const after = await engine.generate(request).then(() => "made", told);
        const next = await window.tested.openEngine({ bundle, device: "webgpu" });
        const { frames } = await next.generate(request);
        await next.close();
        return { video, lost, after, frames: frames.count };
      },
      [fixturePath(SMALL), parityRequest(about, run)] as const,
    );
    const told = {
      code: "engine_crashed",
      message: expect.stringMatching(
        /^The browser took the graphics device away \(.*\)\. Open the engine again/,
      ),
    };
    expect(found).toEqual({ video: told, lost: told, after: told, frames: run.frames });
  });

  it("without enough memory there is a sentence, and the page lives on", async () => {
    // As a machine on which WebAssembly can't grow beyond 24 MB.
    workersBeginWith(`{
      const Memory = WebAssembly.Memory;
      WebAssembly.Memory = function (limits) {
        return new Memory({ ...limits, maximum: Math.max(limits.initial, 384) });
      };
    }`);
    const short = await opened(page, { bundle: BUNDLE_PATH, device: "wasm" });
    expect(short).toMatchObject({
      code: "engine_out_of_memory",
      message: expect.stringMatching(/^The engine ran out of memory\. Close other tabs/),
    });
    server.disturb = undefined;
    expect(await opened(page, { bundle: BUNDLE_PATH, device: "wasm" })).toMatchObject({ device: "wasm" });
  });

  it("a worker that breaks or is not served is told of", async () => {
    workersBeginWith("throw new Error('broken on purpose')");
    expect(await opened(page, { bundle: BUNDLE_PATH })).toMatchObject({
      code: "engine_unavailable",
      message: expect.stringMatching(/worker did not start \(.*broken on purpose\)/),
    });
  });

  it("a tab that is hidden goes on with its video", async () => {
    const request = { ...REQUEST, num_inference_steps: 8 };
    const making = `(async () => {
      const engine = await tested.openEngine({ bundle: "${BUNDLE_PATH}", device: "wasm" });
      const states = [];
      const onProgress = ({ finished }) => finished && states.push(document.visibilityState);
      window.video = engine.generate(${JSON.stringify(request)}, { onProgress });
      window.video.then(() => engine.close());
      window.states = states;
    })()`;
    const found = await withChromium(chromiumProgram ?? "", async (link) => {
      const tab = await openTab(link, server.origin);
      // What is evaluated before the page is there is lost with the blank one before it.
      const isThere = () => evaluateIn(link, tab, '"tested" in window');
      await expect.poll(isThere, { timeout: PATIENCE_MS, interval: 100 }).toBe(true);
      await evaluateIn(link, tab, making);
      // Another tab in front of it.
      await openTab(link, "about:blank");
      const made =
        "video.then(({ frames }) => ({ count: frames.count, last: states.at(-1), steps: states.length }))";
      return evaluateIn(link, tab, made);
    });
    expect(found).toEqual({ count: 16, last: "hidden", steps: 8 });
  });
});
