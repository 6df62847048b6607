/** The one place where the page meets the engine for browsers. It is loaded when a video is first made here. */

import { MixcacheError } from "../../errors.ts";
import type { WebModule } from "./web-engine.ts";

const [load] = Object.values(import.meta.glob<WebModule>("../../browser/index.ts"));

/** The model that comes with the page, beside it. */
export const BUNDLE = "models/shapes/";

/** @throws MixcacheError `not_supported` where the page was built without it */
export async function webModule(): Promise<WebModule> {
  if (!load)
    throw new MixcacheError(
      "not_supported",
      "This page was built without the engine for browsers. Make the video on the server.",
    );
  return load();
}
