/** Ids: a prefix that says what it is, then a ULID. Sorted by text they are sorted by time of making. */

import { monotonicFactory } from "ulid";

export interface IdOptions {
  /** Label of the cell, one lowercase letter or digit: ids of videos and accounts say where they live. */
  readonly cell: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** Makes ids of one kind each; never the same twice. */
export interface Ids {
  /** `video_<cell><ULID>` */
  video(): string;
  /** `acct_<cell><ULID>` */
  account(): string;
  /** `key_<ULID>` */
  key(): string;
  /** `evt_<ULID>`: an entry of the outbox. */
  event(): string;
  /** `whe_<ULID>`: who is told of events. */
  webhook(): string;
  /** `whd_<ULID>`: an event on its way to one of them. */
  delivery(): string;
}

/** Ids of one process; in the same millisecond they still ascend. */
export function makeIds({ cell, now, random }: IdOptions): Ids {
  const next = monotonicFactory(random);
  const id = (prefix: string) => () => `${prefix}${next(now())}`;
  return {
    video: id(`video_${cell}`),
    account: id(`acct_${cell}`),
    key: id("key_"),
    event: id("evt_"),
    webhook: id("whe_"),
    delivery: id("whd_"),
  };
}

/** Where the files of all videos lie in the store. */
export const VIDEOS = "videos/";

/** Where everything of a video lies in the store, whichever attempt made it. */
export function folderOf(videoId: string): string {
  return `${VIDEOS}${videoId}/`;
}

/** Whose a file is. @param key of a file of videos */
export function videoIdOf(key: string): string {
  return key.split("/")[1] ?? "";
}
