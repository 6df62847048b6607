/** `Prefer: wait=n` (RFC 7240): the answer comes when the video has ended, or after n seconds as it is then. */

import type { Context } from "hono";
import type { VideoRow } from "../../jobs/index.ts";
import { accountOf } from "../auth.ts";
import type { ApiEnv, ApiOptions } from "../context.ts";
import type { Streams } from "../streams.ts";
import { Following, isOver } from "./following.ts";

/** Longer than this proxies give up. */
const LONGEST_SECONDS = 60;

/** How long the caller would wait, in whole seconds up to 60; undefined: not at all. */
export function preferredWait(prefer: string | undefined): number | undefined {
  const [, digits] = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=[,;]|$)/i.exec(prefer ?? "") ?? [];
  const seconds = Math.min(Number(digits ?? 0), LONGEST_SECONDS);
  return seconds > 0 ? seconds : undefined;
}

/**
 * The video when it has ended, or as it is when the time is over or the caller has gone. Where too many wait already the
 * preference is not applied, which is what makes it one.
 * @throws MixcacheError `video_not_found` where it was deleted meanwhile
 */
export async function waited(
  c: Context<ApiEnv>,
  { jobs, wait, now }: Pick<ApiOptions, "jobs" | "wait" | "now">,
  streams: Streams,
  row: VideoRow,
): Promise<VideoRow> {
  const seconds = preferredWait(c.req.header("prefer"));
  const release = seconds === undefined ? undefined : streams.take(accountOf(c));
  if (seconds === undefined || !release) return row;
  c.header("preference-applied", `wait=${seconds}`);
  const gone = c.req.raw.signal;
  const following = new Following({ jobs, wait, gone }, row);
  const endMs = now().getTime() + seconds * 1000;
  try {
    for (;;) {
      const { standing } = following;
      const leftMs = endMs - now().getTime();
      if (!standing || isOver(standing) || leftMs <= 0 || gone.aborted) break;
      await following.change(leftMs);
    }
  } finally {
    following.close();
    release();
  }
  return gone.aborted ? row : jobs.get(row.accountId, row.id);
}
