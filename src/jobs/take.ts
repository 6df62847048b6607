/** From the queue into a worker's hands, and the word between them until it is done. */

import type { Orders, Taken } from "./contract.ts";
import { type Core, isTerminal, readVideo, timeOf } from "./core.ts";
import type { Sql } from "./database-contract.ts";
import type { AttemptEvents } from "./event-contract.ts";
import { report } from "./events.ts";
import { type JobAttempt, QUEUE } from "./queue.ts";
import type { Video } from "./rows.ts";
import { ADVANCE_CLOCK, LINES_AT_LIMIT, LOCK_CLOCK } from "./sql/lines.ts";
import { READ_ORDERS } from "./sql/queue.ts";
import { LOCK_VIDEO } from "./sql/videos.ts";
import { CANCELLED, DEADLINE, finish, note, start, WORKER_LOST } from "./transitions.ts";
import type { Progress } from "./video-contract.ts";

/** Renewals in the time of a lease. */
const HEARTBEATS_PER_LEASE = 3;
/** Videos that are over when their turn comes are cleared away, this many in one transaction at most. */
const OVER_AT_ONCE = 20;

/** See `Jobs.take`. */
export async function take(core: Core): Promise<Taken | undefined> {
  if (!(await core.queue.hasWaiting(core.database))) return undefined;
  return core.database.transaction(async (tx) => {
    await tx.query(LOCK_CLOCK);
    const full = await tx.query<{ account_id: string }>(LINES_AT_LIMIT);
    const without = full.map((row) => row.account_id);
    for (let count = 0; count < OVER_AT_ONCE; count++) {
      const job = await core.queue.fetch(tx, without);
      if (!job) return undefined;
      const video = await begin(core, tx, job);
      if (!video) continue;
      return {
        video,
        attempt: video.attempt,
        jobId: job.jobId,
        retryCount: job.retryCount,
        heartbeatSeconds: core.lease.leaseSeconds / HEARTBEATS_PER_LEASE,
      };
    }
    return undefined;
  });
}

/** Starts the attempt, or ends a video that nobody waits for any more. */
async function begin(core: Core, tx: Sql, job: JobAttempt & { videoId: string }): Promise<Video | undefined> {
  let video = await readVideo(tx, LOCK_VIDEO, [job.videoId]);
  if (!video || video.jobId !== job.jobId || isTerminal(video)) {
    await core.queue.complete(tx, job);
    return undefined;
  }
  // The queue gave up on an attempt that nobody ended: its worker is gone.
  if (video.status === "in_progress") video = await note(core, tx, video, WORKER_LOST);
  const over = endingOf(core, video);
  if (over) {
    await finish(core, tx, video, { error: over });
    await core.queue.complete(tx, job);
    return undefined;
  }
  await tx.query(ADVANCE_CLOCK, [`${video.turn}`]);
  return start(core, tx, video);
}

function endingOf(core: Core, { cancelRequestedAt, deadlineAt }: Video) {
  if (cancelRequestedAt) return CANCELLED;
  return deadlineAt && deadlineAt <= timeOf(core) ? DEADLINE : undefined;
}

interface OrdersRow {
  readonly state: string;
  readonly retry_count: number;
  readonly cancel_requested_at: Date | null;
  readonly deadline_at: Date | null;
}

/** See `Jobs.check`. */
export async function check(core: Core, taken: Taken): Promise<Orders> {
  const [row] = await core.database.query<OrdersRow>(READ_ORDERS, [QUEUE, taken.jobId, taken.video.id]);
  if (row?.state !== "active" || row.retry_count !== taken.retryCount) return "lost";
  if (row.cancel_requested_at) return "cancel";
  return row.deadline_at && row.deadline_at <= timeOf(core) ? "deadline" : "continue";
}

/** See `Jobs.heartbeat`. */
export async function heartbeat(
  core: Core,
  taken: Taken,
  progress?: Progress,
  events?: AttemptEvents,
): Promise<Orders> {
  if (!(await core.queue.touch(taken))) return "lost";
  if ((progress || events) && !(await report(core, core.database, taken, { progress, events })))
    return "lost";
  return check(core, taken);
}
