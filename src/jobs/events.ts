/** A video's events: written in the transaction of what they tell of, read by whoever replays them. */

import type { Taken } from "./contract.ts";
import { type Core, timeOf } from "./core.ts";
import type { Sql } from "./database-contract.ts";
import type { AttemptEvents, StateEventType, VideoEvent } from "./event-contract.ts";
import { QUEUE } from "./queue.ts";
import { EVENTS_AFTER, READ_EVENT, REPORT, WRITE_EVENT } from "./sql/events.ts";
import { NOTIFY } from "./sql/queue.ts";
import type { Progress, VideoRow } from "./video-contract.ts";

/** Where processes hear that a video's state has changed. */
export const EVENT_CHANNEL = "mixcache_event";

/** Events of one attempt that are kept; its record has the steps beyond. */
export const MOST_EVENTS = 1000;

type Facts = Readonly<Record<string, unknown>>;

/** Writes the event of a change that the row has just counted in its `lastEvent`. */
export async function writeEvent(
  core: Core,
  tx: Sql,
  { id, lastEvent, attempt }: VideoRow,
  type: StateEventType,
  data: Facts = {},
): Promise<void> {
  await tx.query(WRITE_EVENT, [id, lastEvent, type, attempt, JSON.stringify(data), timeOf(core)]);
}

/**
 * The same, and wakes who watches. Only for changes of state: a notification makes commits queue up behind each other,
 * which is too much for what every worker reports every second; that is found by looking (`watchers.ts`).
 */
export async function happened(
  core: Core,
  tx: Sql,
  video: VideoRow,
  type: StateEventType,
  data?: Facts,
): Promise<void> {
  await writeEvent(core, tx, video, type, data);
  await tx.query(NOTIFY, [EVENT_CHANNEL, video.id]);
}

/** What a worker has to tell. */
interface Report {
  readonly progress?: Progress | undefined;
  readonly events?: AttemptEvents | undefined;
}

/** Stores it in one statement. @returns false where the attempt is not the worker's any more; then nothing was written */
export async function report(core: Core, sql: Sql, taken: Taken, told: Report): Promise<boolean> {
  const { from, events } = told.events ?? { from: 0, events: [] };
  const { percent, detail } = told.progress ?? {};
  const rows = await sql.query(REPORT, [
    taken.video.id,
    taken.attempt,
    QUEUE,
    taken.jobId,
    taken.retryCount,
    JSON.stringify(events),
    from,
    MOST_EVENTS,
    timeOf(core),
    percent === undefined ? null : Math.floor(percent),
    detail ? JSON.stringify(detail) : null,
  ]);
  return rows.length > 0;
}

interface RawEvent {
  readonly sequence: number;
  readonly type: VideoEvent["type"];
  readonly attempt: number;
  readonly data: Facts;
  readonly created_at: Date;
}

/** See `Jobs.events`. */
export async function eventsAfter(
  sql: Sql,
  id: string,
  after: number,
  limit: number,
): Promise<readonly VideoEvent[]> {
  return (await sql.query<RawEvent>(EVENTS_AFTER, [id, after, limit])).map(read);
}

/** See `Jobs.event`. */
export async function eventOf(sql: Sql, id: string, sequence: number): Promise<VideoEvent | undefined> {
  return (await sql.query<RawEvent>(READ_EVENT, [id, sequence])).map(read)[0];
}

function read({ sequence, type, attempt, data, created_at: at }: RawEvent): VideoEvent {
  return { sequence, type, attempt, data, at };
}
