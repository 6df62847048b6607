/** The test page of `mixcache/web`, built by Vite and served beside the embedded bundle and the fixtures. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { build } from "vite";
import { EMBEDDED_BUNDLE, EMBEDDED_PROFILES } from "../../src/node/embedded.ts";
import type {} from "../browser/page/main.ts";
import { type StaticServer, serveFolders } from "./static-server.ts";

const PAGE = path.join(import.meta.dirname, "../browser/page");
const FIXTURES = path.join(import.meta.dirname, "../fixtures/models");

/** Where the page finds the embedded bundle. */
export const BUNDLE_PATH = "/models/shapes/";

/** Where it finds the bundle of a fixture. */
export function fixturePath(name: string): string {
  return `/fixtures/${name}/bundle/`;
}

export interface PageServer extends StaticServer {
  /** Folder of the built page. */
  readonly root: string;
}

/** Builds the page and serves it at `/`; closing takes the build away. */
export async function servePage(): Promise<PageServer> {
  const outDir = mkdtempSync(path.join(tmpdir(), "mixcache-page-"));
  await build({
    root: PAGE,
    configFile: false,
    base: "./",
    logLevel: "error",
    // The engine's worker loads ONNX Runtime's builds on demand.
    worker: { format: "es" },
    build: { outDir, emptyOutDir: true, target: "esnext" },
  });
  const server = await serveFolders({
    [BUNDLE_PATH]: EMBEDDED_BUNDLE,
    "/models/profiles/": EMBEDDED_PROFILES,
    "/fixtures/": FIXTURES,
    "/": outDir,
  });
  const { close } = server;
  return Object.assign(server, {
    root: outDir,
    close: async () => {
      await close();
      rmSync(outDir, { recursive: true, force: true });
    },
  });
}

/** Opens the page, in a context of its own unless one is given, which shares its storage. */
export async function openPage(
  browser: Browser | BrowserContext,
  { origin }: Pick<StaticServer, "origin">,
): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(origin);
  await page.waitForFunction(() => "tested" in window);
  return page;
}
