/**
 * Guarantee: what needs no ONNX Runtime gives the same, to the byte, in Node and in Chromium; `test/edge/engine.test.ts`
 * holds workerd to it. The trace was recorded by `mixcache generate "a purple square moves down on an orange background"
 * --steps 20 --trace …`.
 */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { chromiumProgram, inChromium, launchChromium } from "../support/browser.ts";
import { openPage, servePage } from "../support/browser-page.ts";
import { pureOutputs } from "../support/pure-parts.ts";

const TRACE = readFileSync(path.join(import.meta.dirname, "../fixtures/trace-shapes-20.json"), "utf8");

describe.skipIf(!chromiumProgram)(inChromium("the engine without its model"), () => {
  it("gives in a page what it gives in Node", async () => {
    await using server = disposable(await servePage());
    await using browser = disposable(await launchChromium({ webgpu: false }));
    const page = await openPage(browser, server);
    const there = await page.evaluate((trace) => window.tested.pureOutputs(trace), TRACE);
    expect(there).toEqual(await pureOutputs(TRACE));
    expect(Object.keys(there).length).toBeGreaterThan(4);
  });
});

function disposable<T extends { close(): Promise<void> }>(opened: T): T & AsyncDisposable {
  return Object.assign(opened, { [Symbol.asyncDispose]: () => opened.close() });
}
