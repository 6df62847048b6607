/** Mends what crashes left, whoever runs it and however often: each video under its locks, judged anew. */

import type { Swept } from "./contract.ts";
import { type Core, isTerminal, readVideo, timeOf } from "./core.ts";
import type { Sql } from "./database-contract.ts";
import { KEY_HOURS } from "./earlier.ts";
import { type LockedJob, QUEUE } from "./queue.ts";
import type { Video } from "./rows.ts";
import { FORGET_PROOFS } from "./sql/edge-proofs.ts";
import { FORGET_EVENTS } from "./sql/events.ts";
import { FORGET_KEYS, FORGET_OUTBOX } from "./sql/promises.ts";
import { ORPHANED_ATTEMPTS, ORPHANED_VIDEOS } from "./sql/queue.ts";
import { LOCK_VIDEO, OVERDUE } from "./sql/videos.ts";
import { CANCELLED, DEADLINE, finish, note, requeue, WORKER_LOST } from "./transitions.ts";

/** Videos that one sweep looks at. */
const AT_ONCE = 500;
/** How long the outbox keeps what it told, and videos their events. */
const OUTBOX_DAYS = 7;
/** A proof of the edge is good for a minute; clocks may be far off before one is forgotten too early. */
const PROOF_HOURS = 1;
/** Comparing the whole queue with the videos is for accidents from outside; more often would cost more than it mends. */
const THOROUGH_MS = 3_600_000;

type Mended = "requeued" | "lost" | "expired";

interface Found {
  readonly id: string;
  readonly job_id: string;
}

/** Sweeps, and remembers when it was last thorough. */
export class Sweeper {
  readonly #core: Core;
  #thoroughAt = Number.NEGATIVE_INFINITY;

  constructor(core: Core) {
    this.#core = core;
  }

  /** See `Jobs.sweep`. */
  async sweep(): Promise<Swept> {
    const core = this.#core;
    await core.queue.supervise();
    const mended = { requeued: 0, lost: 0, expired: 0 };
    for (const found of await this.#suspects()) {
      const what = await mend(core, found);
      if (what) mended[what]++;
    }
    if (mended.requeued > 0) core.announce();
    return { ...mended, forgotten: await forget(core) };
  }

  async #suspects(): Promise<Found[]> {
    const { database, now } = this.#core;
    const suspects = await database.query<Found>(ORPHANED_ATTEMPTS, [QUEUE, AT_ONCE]);
    suspects.push(...(await database.query<Found>(OVERDUE, [timeOf(this.#core), AT_ONCE])));
    if (now() - this.#thoroughAt < THOROUGH_MS) return suspects;
    this.#thoroughAt = now();
    suspects.push(...(await database.query<Found>(ORPHANED_VIDEOS, [QUEUE, AT_ONCE])));
    return suspects;
  }
}

async function mend(core: Core, { id, job_id: jobId }: Found): Promise<Mended | undefined> {
  return core.database.transaction(async (tx) => {
    const job = await core.queue.lock(tx, jobId);
    const video = await readVideo(tx, LOCK_VIDEO, [id]);
    if (!video || video.jobId !== jobId || isTerminal(video) || job?.state === "active") return undefined;
    const waits = job?.state === "created" || job?.state === "retry";
    const noted = video.status === "in_progress" ? await note(core, tx, video, WORKER_LOST) : video;
    if (!waits) {
      await finish(core, tx, noted, { error: noted.cancelRequestedAt ? CANCELLED : reasonOf(noted, job) });
      return "lost";
    }
    return overdueOrRequeued(core, tx, noted);
  });
}

/** The queue will try again: unless nobody waits for it any more. */
async function overdueOrRequeued(core: Core, tx: Sql, video: Video): Promise<Mended | undefined> {
  const { cancelRequestedAt, deadlineAt } = video;
  if (cancelRequestedAt || (deadlineAt && deadlineAt <= timeOf(core))) {
    await core.queue.cancel(tx, video.jobId);
    await finish(core, tx, video, { error: cancelRequestedAt ? CANCELLED : DEADLINE });
    return cancelRequestedAt ? "lost" : "expired";
  }
  if (video.status !== "in_progress") return undefined;
  await requeue(core, tx, video, WORKER_LOST);
  return "requeued";
}

function reasonOf({ failures }: Video, job: LockedJob | undefined) {
  if (!job) return { code: "worker_lost", message: "The video's job is gone from the queue." };
  const reasons = failures.map(({ attempt, message }) => `${attempt}: ${message}`).join(" ");
  return { code: WORKER_LOST.code, message: `The video failed in every attempt. ${reasons}` };
}

async function forget(core: Core): Promise<number> {
  const before = (hours: number) => new Date(core.now() - hours * 3_600_000);
  const keys = await core.database.query(FORGET_KEYS, [before(KEY_HOURS)]);
  const told = await core.database.query(FORGET_OUTBOX, [before(OUTBOX_DAYS * 24)]);
  const events = await core.database.query(FORGET_EVENTS, [before(OUTBOX_DAYS * 24)]);
  const proofs = await core.database.query(FORGET_PROOFS, [before(PROOF_HOURS)]);
  return keys.length + told.length + events.length + proofs.length;
}
