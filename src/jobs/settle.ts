/** The end of an attempt. Its job is locked first: who does not hold it any more writes nothing. */

import { MixcacheError } from "../errors.ts";
import type { Outcome, Taken } from "./contract.ts";
import { type Core, isTerminal, readVideo } from "./core.ts";
import type { Sql } from "./database-contract.ts";
import type { AttemptEvents } from "./event-contract.ts";
import { report } from "./events.ts";
import type { LockedJob } from "./queue.ts";
import type { Video } from "./rows.ts";
import { LOCK_VIDEO } from "./sql/videos.ts";
import {
  CANCELLED,
  DEADLINE,
  type Ending,
  finish,
  HANDED_BACK,
  note,
  requeue,
  returnToLine,
} from "./transitions.ts";
import type { VideoError } from "./video-contract.ts";

/** Hand-backs that don't count as attempts. */
export const HAND_BACKS = 10;

/** See `Jobs.settle`. */
export async function settle(
  core: Core,
  taken: Taken,
  outcome: Outcome,
  events?: AttemptEvents,
): Promise<Video> {
  const settled = await core.database.transaction(async (tx) => {
    const { job, video } = await hold(core, tx, taken);
    if (events) await report(core, tx, taken, { events });
    if (outcome.kind === "failed") return fail(core, tx, { taken, job, video }, outcome);
    const done = await finish(core, tx, video, endingOf(outcome));
    await core.queue.complete(tx, taken);
    return done;
  });
  if (settled.status === "queued") core.announce();
  return settled;
}

function endingOf(outcome: Exclude<Outcome, { kind: "failed" }>): Ending {
  const { usage, report } = outcome;
  const shared = { usage, ...(report && { report }) };
  if (outcome.kind === "completed") return { ...shared, result: outcome.result };
  const error = outcome.kind === "cancelled" ? CANCELLED : DEADLINE;
  return { ...shared, error, ...(outcome.trace && { result: { trace: outcome.trace } }) };
}

interface Held {
  readonly taken: Taken;
  readonly job: LockedJob;
  readonly video: Video;
}

/** Locks job and video. @throws MixcacheError `attempt_lost` */
async function hold(core: Core, tx: Sql, taken: Taken): Promise<{ job: LockedJob; video: Video }> {
  const job = await core.queue.lock(tx, taken.jobId);
  if (job?.state !== "active" || job.retryCount !== taken.retryCount) throw lost(taken);
  const video = await readVideo(tx, LOCK_VIDEO, [taken.video.id]);
  if (!video || video.jobId !== taken.jobId || video.attempt !== taken.attempt || isTerminal(video))
    throw lost(taken);
  return { job, video };
}

function lost({ video, attempt }: Taken): MixcacheError {
  return new MixcacheError(
    "attempt_lost",
    `Attempt ${attempt} at ${video.id} is not this worker's any more: its lease ran out, or it was ended. Nothing was written.`,
  );
}

async function fail(
  core: Core,
  tx: Sql,
  { taken, job, video }: Held,
  { error, retry }: { readonly error: VideoError; readonly retry: boolean },
): Promise<Video> {
  const noted = await note(core, tx, video, error);
  const again = retry && job.retryCount < job.retryLimit && !video.cancelRequestedAt;
  if (again) {
    await core.queue.fail(tx, taken, error);
    return requeue(core, tx, noted, error);
  }
  const done = await finish(core, tx, noted, { error: video.cancelRequestedAt ? CANCELLED : error });
  await core.queue.complete(tx, taken);
  return done;
}

/** See `Jobs.handBack`. */
export async function handBack(core: Core, taken: Taken, events?: AttemptEvents): Promise<Video> {
  const returned = await core.database.transaction(async (tx) => {
    const { job, video } = await hold(core, tx, taken);
    if (events) await report(core, tx, taken, { events });
    if (video.cancelRequestedAt || video.handBacks >= HAND_BACKS)
      return fail(core, tx, { taken, job, video }, { error: HANDED_BACK, retry: true });
    // A job of its own, so that the fence tells this attempt from the next, with the attempts that were left.
    const jobId = core.uuid();
    await core.queue.remove(tx, taken.jobId);
    const { id: videoId, accountId } = video;
    const retryLimit = job.retryLimit - job.retryCount;
    await core.queue.send(tx, [{ id: jobId, videoId, accountId, priority: job.priority, retryLimit }]);
    return returnToLine(core, tx, video, jobId);
  });
  if (returned.status === "queued") core.announce();
  return returned;
}
