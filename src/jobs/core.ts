/** What every step of a video's life works with. */

import { noVideo } from "../wire/video-id.ts";
import type { Database, Sql } from "./database-contract.ts";
import type { Ids } from "./ids.ts";
import type { Bill, Ledger } from "./money-contract.ts";
import type { LeaseOptions, Queue } from "./queue.ts";
import { type RawVideo, type Video, videoOf } from "./rows.ts";
import { READ_VIDEO_OF } from "./sql/videos.ts";
import type { VideoRow } from "./video-contract.ts";

/** Passes time. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

/** What the jobs are given. */
export interface JobsOptions {
  /** With the schema migrated. The jobs don't close it. */
  readonly database: Database;
  readonly ledger: Ledger;
  readonly bill: Bill;
  readonly ids: Ids;
  /** A fresh UUID. */
  readonly uuid: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. Default: the system's timers. */
  readonly wait?: Wait;
  readonly lease?: Partial<LeaseOptions>;
  /** Whether the queue's own schema is made and brought up to date, or has to be there. Default: `make`. */
  readonly schema?: "make" | "check";
  /** How a video is shown to those who are told of it; left out: its id, status and attempt. */
  readonly present?: (video: VideoRow) => object;
  /** How long files are kept, unless the account says otherwise; undefined: for ever. */
  readonly retentionDays?: number;
  /** Told of failures in the background; nothing is lost by them. */
  readonly onError?: (error: Error) => void;
}

/** The same, with the queue running. */
export interface Core extends Omit<JobsOptions, "lease" | "schema" | "onError" | "wait"> {
  readonly queue: Queue;
  readonly lease: LeaseOptions;
  /** Tells this process's workers that there is something to take; after the commit. */
  readonly announce: () => void;
}

/** The time as the tables have it. */
export function timeOf({ now }: Pick<Core, "now">): Date {
  return new Date(now());
}

/** One video by a statement that finds at most one. */
export async function readVideo(
  sql: Sql,
  text: string,
  values: readonly unknown[],
): Promise<Video | undefined> {
  const [raw] = await sql.query<RawVideo>(text, values);
  return raw && videoOf(raw);
}

/** One video by a statement that has to find it. */
export async function changeVideo(sql: Sql, text: string, values: readonly unknown[]): Promise<Video> {
  const video = await readVideo(sql, text, values);
  if (!video) throw noVideo(String(values[0]));
  return video;
}

/** The account's video. @throws MixcacheError `video_not_found` */
export async function videoOfAccount(sql: Sql, accountId: string, id: string): Promise<Video> {
  const video = await readVideo(sql, READ_VIDEO_OF, [id, accountId]);
  // The same sentence whether it never was, is another account's or was deleted.
  if (!video) throw noVideo(id);
  return video;
}

/** Whether nothing can happen to it any more. */
export function isTerminal({ status }: Video): boolean {
  return status === "completed" || status === "failed";
}
