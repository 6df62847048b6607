/** The one place where the page meets the engine for browsers. It is loaded when a video is first made here. */

import { MixcacheError } from "../../errors.ts";
import type { WebModule } from "./web-engine.ts";

const ENGINE = import.meta.glob<Pick<WebModule, "openEngine">>("../../browser/engine.ts");
const ENCODER = import.meta.glob<Pick<WebModule, "encodeVideo">>("../../browser/encode-video.ts");

/** The model that comes with the page, beside it. */
export const BUNDLE = "models/shapes/";

/** The engine; the part that writes files comes when there is one to write. */
export const webModule: WebModule = {
  openEngine: async (options) => (await loaded(ENGINE)).openEngine(options),
  encodeVideo: async (...frames) => (await loaded(ENCODER)).encodeVideo(...frames),
};

/** @throws MixcacheError `not_supported` where the page was built without it, `server_unreachable` */
async function loaded<Module>(found: Readonly<Record<string, () => Promise<Module>>>): Promise<Module> {
  const [load] = Object.values(found);
  if (!load)
    throw new MixcacheError(
      "not_supported",
      "This page was built without the engine for browsers. Make the video on the server.",
    );
  return load().catch((cause: unknown) => {
    const sentence = "The engine could not be loaded. Check the connection, and try again.";
    throw new MixcacheError("server_unreachable", sentence, { cause });
  });
}
