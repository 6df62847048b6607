/** Ids of videos: `video_<cell><ULID>`. */

import { MixcacheError } from "../errors.ts";

const VIDEO_ID = /^video_([a-z0-9])[0-9A-HJKMNP-TV-Z]{26}$/;

/** The cell that a video lives in; undefined for what can't be a video's id at all. */
export function cellOfVideo(id: string): string | undefined {
  return VIDEO_ID.exec(id)?.[1];
}

/** Whether a text can be a video's id at all. */
export function isVideoId(text: string): boolean {
  return VIDEO_ID.test(text);
}

/** What is said of an id that nobody has, or somebody else. */
export function noVideo(id: string): MixcacheError {
  return new MixcacheError("video_not_found", `There is no video ${id}. Check the id.`);
}
