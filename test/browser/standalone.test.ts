/**
 * Guarantee: `dist/web` works in a page that nothing bundles, from a host that serves files only, under a strict content
 * security policy; ONNX Runtime's .wasm file lies beside it, or where the page says.
 */

import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { build } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { standalone } from "../../rolldown.config.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/embedded.ts";
import { launchChromium, noPage, pageSuite } from "../support/browser.ts";
import { BUNDLE_PATH } from "../support/browser-page.ts";
import { type StaticServer, serveFolders } from "../support/static-server.ts";

const RUNTIME = path.join(import.meta.dirname, "../../node_modules/onnxruntime-web/dist");
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:";
const PAGE = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>';
const SCRIPT = 'import * as web from "./mixcache/mixcache.js"; window.tested = web;';

describe.skipIf(noPage)(pageSuite("mixcache/web without a bundler"), () => {
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-standalone-"));
  const requests: string[] = [];
  const complaints: string[] = [];
  let server: StaticServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    await build({ ...standalone, output: { ...standalone.output, dir: path.join(folder, "mixcache") } });
    const wasm = "ort-wasm-simd-threaded.wasm";
    cpSync(path.join(RUNTIME, wasm), path.join(folder, "mixcache", wasm));
    writeFileSync(path.join(folder, "index.html"), PAGE);
    writeFileSync(path.join(folder, "page.js"), SCRIPT);
    server = await serveFolders({ [BUNDLE_PATH]: EMBEDDED_BUNDLE, "/ort/": RUNTIME, "/": folder });
    server.disturb = (_, __, response) => {
      response.setHeader("content-security-policy", POLICY);
      return false;
    };
    browser = await launchChromium({ webgpu: false });
    page = await browser.newPage();
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => {
      // There is no profile for these settings, and Chromium says so of every file that is missing.
      if (message.type() === "error" && !message.text().includes("404")) complaints.push(message.text());
    });
    await page.goto(server.origin);
    await page.waitForFunction(() => "tested" in window);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([undefined, "/ort/"])("makes a video with the runtime at %s", async (runtime) => {
    const count = await page.evaluate(
      async ([bundle, where]) => {
        const engine = await window.tested.openEngine({
          bundle,
          device: "wasm",
          ...(where && { runtime: where }),
        });
        const { frames } = await engine.generate({
          prompt: "a circle",
          num_inference_steps: 1,
          cache: "off",
        });
        await engine.close();
        return frames.count;
      },
      [BUNDLE_PATH, runtime] as const,
    );
    expect(count).toBe(16);
    expect(server.asked).toContain(`${runtime ?? "/mixcache/"}ort-wasm-simd-threaded.wasm`);
    expect(requests.filter((url) => !url.startsWith(server.origin) && !url.startsWith("data:"))).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
