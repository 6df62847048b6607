/** The one place where the page meets the engine for browsers. It is loaded when a video is first made here. */

import type { encodeVideo } from "../../browser/encode-video.ts";
import type { openEngine } from "../../browser/engine.ts";
import { MixcacheError } from "../../errors.ts";

/** What the page uses of `mixcache/web`. */
export interface WebModule {
  readonly openEngine: typeof openEngine;
  readonly encodeVideo: typeof encodeVideo;
}

/** The model that comes with the page, beside it. */
export const BUNDLE = "models/shapes/";

/** The engine; the part that writes files comes when there is one to write. */
export const webModule: WebModule = {
  openEngine: async (options) => (await loaded(import("../../browser/engine.ts"))).openEngine(options),
  encodeVideo: async (...frames) =>
    (await loaded(import("../../browser/encode-video.ts"))).encodeVideo(...frames),
};

/** @throws MixcacheError `server_unreachable` */
async function loaded<Module>(module: Promise<Module>): Promise<Module> {
  try {
    return await module;
  } catch (cause) {
    const sentence = "The engine could not be loaded. Check the connection, and try again.";
    throw new MixcacheError("server_unreachable", sentence, { cause });
  }
}
