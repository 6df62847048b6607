/** The page without its server: static files, isolated, and there without a network after the first load. */

import { serve } from "@hono/node-server";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApi } from "../../src/api/index.ts";
import { stillOptions, TEST_KEY } from "../../src/api/testing.ts";
import { PLAYGROUND_FOLDER } from "../../src/service/playground.ts";
import { launchChromium, noPage, pageSuite } from "../support/browser.ts";
import { startPageHost } from "../support/page-host.ts";
import { strangers, visitor } from "../support/playground.ts";

describe.skipIf(noPage)(pageSuite("the page without its server"), () => {
  let browser: Browser;
  let origin = "";
  let close: () => void = () => {};
  const app = createApi({ ...stillOptions(), playground: { folder: PLAYGROUND_FOLDER } });

  beforeAll(async () => {
    browser = await launchChromium();
    await new Promise<void>((resolve) => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => {
        origin = `http://127.0.0.1:${port}`;
        resolve();
      });
      close = () => void server.close();
    });
  });
  afterAll(async () => {
    await browser?.close();
    close();
  });

  it("is isolated, so that wasm has threads, and asks nobody but its server", async () => {
    const visit = await visitor(browser);
    await visit.page.goto(origin);
    await visit.page.waitForSelector("main");
    expect(await visit.page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(strangers(visit, origin)).toEqual([]);
    expect(visit.errors.filter((text) => !text.includes("401"))).toEqual([]);
    await visit.context.close();
  });

  it("opens without a network after its first load", async () => {
    const { context, page } = await visitor(browser);
    await page.goto(origin);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    await context.setOffline(true);
    await page.reload();
    await page.waitForSelector("main");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await context.close();
  });

  it("keeps its own files and nothing that the API says", async () => {
    const { context, page } = await visitor(browser);
    await page.goto(`${origin}/#key=${TEST_KEY}`);
    await page.getByText("Shapes, 16 frames").waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    await page.reload();
    await page.getByText("Shapes, 16 frames").waitFor();
    const kept = await page.evaluate(keptUrls);
    expect(kept).toContain(`${origin}/index.html`);
    expect(kept.filter((url) => !/\/(index\.html|assets\/[^/]+)$/.test(url))).toEqual([]);
    await context.close();
  });

  it("drops what an older build kept, once no page of that is open", async () => {
    const host = await startPageHost();
    const { context, page } = await visitor(browser);
    await page.goto(host.url);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    const [old = ""] = await page.evaluate(() => caches.keys());
    const version = old.replace("mixcache-page-", "");
    expect(version).toMatch(/^[0-9a-f]{16}$/);
    host.spoil("service-worker.js", async (response) => {
      const text = (await response.text()).replaceAll(version, "0".repeat(16));
      return new Response(text, { headers: { "content-type": "text/javascript" } });
    });
    const isKept = (names: readonly string[]) =>
      expect.poll(() => page.evaluate(() => caches.keys()), { timeout: 30_000 }).toEqual(names);
    const young = `mixcache-page-${"0".repeat(16)}`;
    await page.reload();
    // The page that is open may still ask for files of its own build.
    await isKept([old, young]);
    // When the browser notices that it is left, is the browser's own affair: a page that is back too soon is tried again.
    const afterAnotherVisit = async () => {
      await page.goto("about:blank");
      await page.goto(host.url);
      return page.evaluate(() => caches.keys());
    };
    await expect.poll(afterAnotherVisit, { timeout: 60_000, interval: 500 }).toEqual([young]);
    await context.close();
    await host.close();
  });
});

/** In the page. */
async function keptUrls(): Promise<string[]> {
  const names = await caches.keys();
  const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return requests.flat().map(({ url }) => url);
}
