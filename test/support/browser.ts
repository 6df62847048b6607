/** Chromium for tests that drive a page with playwright-core; `chromium.ts` looks at a page without it. */

import { type Browser, chromium } from "playwright-core";
import { findChromium } from "./chromium.ts";

/** The browser's program; undefined where there is none. */
export const chromiumProgram = findChromium();

/** What a suite's name says where Chromium is missing, so that the summary tells how to get it. */
export function inChromium(name: string): string {
  return chromiumProgram ? name : `${name} (needs Chromium: apt-get install chromium, or set CHROMIUM)`;
}

/** Some need the page built first: `npm run test:browser` does that. */
const isAsked = process.env.MIXCACHE_TEST_BROWSER !== undefined;

/** Whether suites that take minutes in a page are skipped. */
export const noPage = !isAsked || !chromiumProgram;

/** Their names, which say how to have them run. */
export function pageSuite(name: string): string {
  return inChromium(isAsked ? name : `${name} (npm run test:browser)`);
}

export interface ChromiumOptions {
  /** A WebGPU adapter that needs no graphics card. Default: true. */
  readonly webgpu?: boolean;
  /** More flags. */
  readonly args?: readonly string[];
}

/** SwiftShader's adapter, which Chromium offers to nobody who doesn't ask for it. */
const WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** Starts Chromium, headless; the caller closes it. Contexts are for the caller to make: sizes, schemes, offline. */
export function launchChromium({ webgpu = true, args = [] }: ChromiumOptions = {}): Promise<Browser> {
  return chromium.launch({
    ...(chromiumProgram && { executablePath: chromiumProgram }),
    args: ["--no-sandbox", "--disable-dev-shm-usage", ...(webgpu ? WEBGPU : []), ...args],
  });
}
