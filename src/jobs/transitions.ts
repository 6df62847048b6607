/**
 * The changes of a video's state, each with everything that belongs to it: the account's line, the ledger, the outbox, its event.
 * The caller has locked the job and then the video; the line and the balance are locked after them, in that order,
 * everywhere, so that no two transactions wait for each other.
 */

import { type Core, changeVideo, timeOf } from "./core.ts";
import type { Sql } from "./database-contract.ts";
import { happened } from "./events.ts";
import type { Usage } from "./money-contract.ts";
import { type Video, writeUsage } from "./rows.ts";
import { MOVE_IN_LINE } from "./sql/lines.ts";
import { WRITE_OUTBOX } from "./sql/promises.ts";
import { FINISH_VIDEO, HAND_BACK_VIDEO, NOTE_FAILURE, REQUEUE_VIDEO, START_VIDEO } from "./sql/videos.ts";
import type { AttemptFailure, StoredResult, VideoError } from "./video-contract.ts";

/** How a video ends. Without an error it is completed; without a usage nothing is charged. */
export interface Ending {
  readonly error?: VideoError;
  readonly usage?: Usage;
  readonly result?: Partial<StoredResult>;
  readonly report?: Readonly<Record<string, unknown>>;
}

/** A video whose worker vanished. */
export const WORKER_LOST: VideoError = {
  code: "worker_lost",
  message: "The worker that made the video stopped answering.",
};

/** A video whose worker was stopped. */
export const HANDED_BACK: VideoError = {
  code: "handed_back",
  message: "The worker was stopped before the video was done.",
};

/** What a cancelled video says. */
export const CANCELLED: VideoError = { code: "cancelled", message: "The video was cancelled." };

/** What a video says that was not done in time. */
export const DEADLINE: VideoError = {
  code: "deadline_exceeded",
  message: "The video was not done by its deadline (deadline_seconds).",
};

/** The video is terminal: the hold ends, what was computed is charged, the outbox tells. */
export async function finish(core: Core, tx: Sql, video: Video, ending: Ending): Promise<Video> {
  const at = timeOf(core);
  const bill = ending.usage ? core.bill(video.terms, ending.usage) : 0n;
  // The hold is the promise: an engine that counts more than was quoted costs the house, not the caller.
  const charge = bill > video.hold ? video.hold : bill;
  await leave(tx, video);
  await core.ledger.settle(tx, {
    accountId: video.accountId,
    videoId: video.id,
    amount: video.hold,
    charge,
    at,
  });
  const done = await changeVideo(tx, FINISH_VIDEO, [
    video.id,
    ending.error ? "failed" : "completed",
    ending.error?.code ?? null,
    ending.error?.message ?? null,
    `${charge}`,
    ending.usage ? writeUsage(ending.usage) : null,
    json(ending.report),
    json(ending.result),
    at,
    core.retentionDays ?? null,
  ]);
  const type = typeOf(ending);
  await tell(core, tx, done, type);
  await happened(core, tx, done, type, ending.error && { error: ending.error });
  return done;
}

function typeOf({ error }: Ending) {
  if (!error) return "video.completed";
  return error.code === CANCELLED.code ? "video.cancelled" : "video.failed";
}

/** The video is in a worker's hands. */
export async function start(core: Core, tx: Sql, video: Video): Promise<Video> {
  if (video.status === "queued") await tx.query(MOVE_IN_LINE, [video.accountId, -1, 1]);
  const started = await changeVideo(tx, START_VIDEO, [video.id, timeOf(core)]);
  if (started.attempt === 1) await tell(core, tx, started, "video.started");
  await happened(core, tx, started, "video.started");
  return started;
}

/** A video in progress waits again, for this reason. */
export async function requeue(core: Core, tx: Sql, video: Video, reason: VideoError): Promise<Video> {
  return waitAgain(core, tx, video, reason, () => changeVideo(tx, REQUEUE_VIDEO, [video.id]));
}

/** A video in progress waits again with another job: its worker is to end. */
export async function returnToLine(core: Core, tx: Sql, video: Video, jobId: string): Promise<Video> {
  return waitAgain(core, tx, video, HANDED_BACK, () => changeVideo(tx, HAND_BACK_VIDEO, [video.id, jobId]));
}

async function waitAgain(
  core: Core,
  tx: Sql,
  { accountId }: Video,
  reason: VideoError,
  change: () => Promise<Video>,
): Promise<Video> {
  await tx.query(MOVE_IN_LINE, [accountId, 1, -1]);
  const waiting = await change();
  await happened(core, tx, waiting, "video.requeued", { reason });
  return waiting;
}

/** Keeps why an attempt ended without a result. */
export async function note(core: Core, tx: Sql, video: Video, error: VideoError): Promise<Video> {
  return changeVideo(tx, NOTE_FAILURE, [video.id, failure(core, video, error)]);
}

async function leave(tx: Sql, { accountId, status }: Video): Promise<void> {
  const change = status === "queued" ? [-1, 0] : [0, -1];
  await tx.query(MOVE_IN_LINE, [accountId, ...change]);
}

function failure(core: Core, { attempt }: Video, { code, message }: VideoError): string {
  const entry: AttemptFailure = { attempt, code, message, at: timeOf(core).toISOString() };
  return JSON.stringify(entry);
}

async function tell(core: Core, tx: Sql, video: Video, type: string): Promise<void> {
  // As it is at this moment: whoever is told of a start must not find an end in it.
  const { jobId: _, ...row } = video;
  const payload = core.present?.(row) ?? { id: video.id, status: video.status, attempt: video.attempt };
  const values = [core.ids.event(), video.id, video.accountId, type, JSON.stringify(payload), timeOf(core)];
  await tx.query(WRITE_OUTBOX, values);
}

function json(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
