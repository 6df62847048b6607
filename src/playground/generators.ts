/** The page's two makers of videos, and its library. */

import { MixcacheError } from "../errors.ts";
import { BUNDLE, webModule } from "./engine/browser-engine.ts";
import type { Generator } from "./generate/generator.ts";
import type { Place } from "./generate/made-video.ts";
import { ServerGenerator } from "./generate/server-generator.ts";
import { Database } from "./history/database.ts";
import { Library, LOCAL_PREFIX } from "./history/library.ts";
import { api } from "./session.ts";
import { decodeFile } from "./video/decode.ts";

/** Often enough to see a picture form, and up to ten times in 50 steps. */
const PREVIEW_EVERY = 5;

const database = new Database();
export const library = new Library({ api, database, decode: decodeFile });

export const serverGenerator = new ServerGenerator({
  api,
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  newId: () => crypto.randomUUID(),
  previewEvery: PREVIEW_EVERY,
});

let browserGenerator: Promise<Generator> | undefined;

/** @throws MixcacheError where a part of the page can't be loaded */
export function generatorAt(place: Place): Promise<Generator> {
  if (place === "server") return Promise.resolve(serverGenerator);
  browserGenerator ??= openBrowserGenerator();
  // What could not be loaded may be there the next time.
  browserGenerator.catch(() => {
    browserGenerator = undefined;
  });
  return browserGenerator;
}

async function openBrowserGenerator(): Promise<Generator> {
  const { BrowserGenerator } = await import("./generate/browser-generator.ts").catch((cause: unknown) => {
    const sentence = "A part of the page could not be loaded. Check the connection, and try again.";
    throw new MixcacheError("server_unreachable", sentence, { cause });
  });
  return new BrowserGenerator({
    module: webModule,
    bundle: new URL(BUNDLE, document.baseURI),
    save: (video) => database.save(video),
    newId: () => `${LOCAL_PREFIX}${crypto.randomUUID()}`,
    nowMs: () => Date.now(),
    previewEvery: PREVIEW_EVERY,
  });
}
