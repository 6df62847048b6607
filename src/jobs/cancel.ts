/** What a caller does to a video: cancel it, delete it. */

import { MixcacheError } from "../errors.ts";
import { noVideo } from "../wire/video-id.ts";
import { type Core, changeVideo, isTerminal, readVideo, timeOf, videoOfAccount } from "./core.ts";
import type { Video } from "./rows.ts";
import { NOTIFY } from "./sql/queue.ts";
import { DELETE_VIDEO, LOCK_VIDEO, REQUEST_CANCEL } from "./sql/videos.ts";
import { CANCELLED, finish } from "./transitions.ts";

/** Where workers hear of cancelled videos. */
export const CANCEL_CHANNEL = "mixcache_cancel";

/** Between reading a video and locking its job, a hand-back may give it another job; it can't happen for ever. */
const TRIES = 20;

/** See `Jobs.cancel`. */
export async function cancel(core: Core, accountId: string, id: string): Promise<Video> {
  for (let count = 0; count < TRIES; count++) {
    const seen = await videoOfAccount(core.database, accountId, id);
    if (isTerminal(seen)) return seen;
    const cancelled = await cancelLive(core, seen);
    if (cancelled) return cancelled;
  }
  throw new MixcacheError("database_unavailable", `${id} changes hands all the time. Try again.`);
}

/** undefined: it has another job by now. */
async function cancelLive(core: Core, { id, jobId }: Video): Promise<Video | undefined> {
  return core.database.transaction(async (tx) => {
    const job = await core.queue.lock(tx, jobId);
    const video = await readVideo(tx, LOCK_VIDEO, [id]);
    if (!video) throw noVideo(id);
    if (isTerminal(video)) return video;
    if (video.jobId !== jobId) return undefined;
    if (job?.state === "active") {
      await tx.query(NOTIFY, [CANCEL_CHANNEL, id]);
      return changeVideo(tx, REQUEST_CANCEL, [id, timeOf(core)]);
    }
    await core.queue.cancel(tx, jobId);
    return finish(core, tx, video, { error: CANCELLED });
  });
}

/** See `Jobs.delete`. */
export async function remove(core: Core, accountId: string, id: string): Promise<Video> {
  const video = await videoOfAccount(core.database, accountId, id);
  if (!isTerminal(video)) {
    throw new MixcacheError(
      "video_live",
      `${id} is ${video.status === "queued" ? "waiting" : "being made"}. Cancel it first, then delete it.`,
    );
  }
  return changeVideo(core.database, DELETE_VIDEO, [id, timeOf(core)]);
}
