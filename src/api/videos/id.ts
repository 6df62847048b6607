/** The id of a video in the path. */

import type { Context } from "hono";
import { isVideoId, noVideo } from "../../wire/video-id.ts";
import type { ApiEnv } from "../context.ts";
import { parameter } from "../operation.ts";

/**
 * The id in the path. What can't be one is answered as one that nobody has.
 * @throws MixcacheError `video_not_found`
 */
export function idOf(c: Context<ApiEnv>): string {
  const id = parameter(c, "id");
  if (!isVideoId(id)) throw noVideo(id);
  return id;
}
