/** The page without its server: static files, isolated, and there without a network after the first load. */

import { serve } from "@hono/node-server";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApi } from "../../src/api/index.ts";
import { stillOptions } from "../../src/api/testing.ts";
import { PLAYGROUND_FOLDER } from "../../src/service/playground.ts";
import { launchChromium, noPage, pageSuite } from "../support/browser.ts";
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
});
