/** One account has queued thousands of videos; another asks for one now and then. How long does the other one wait? */

import { setTimeout as wait } from "node:timers/promises";
import type { TestApi } from "../support/api.ts";

export interface TurnsOptions {
  /** Videos that the busy account queues before the worker starts. */
  readonly queued: number;
  /** Videos that the other account asks for, one after the other. */
  readonly asks: number;
  /** How long a step of the stub engine takes; a video has four. */
  readonly stepMs: number;
  /** A number in [0, 1): when in a job the other account asks. */
  readonly random: () => number;
}

export interface TurnsReport {
  readonly queued: number;
  readonly asks: number;
  /** From start to start of the busy account's videos, the median. */
  readonly jobMs: number;
  /** From the request of each of the other account's videos to its start, sorted. */
  readonly waitsMs: readonly number[];
  /** The longest wait, in job times. */
  readonly longestWaitJobs: number;
  /** The most videos of the busy account that started between a request of the other one and its start. */
  readonly mostOvertakes: number;
  /** Of the busy account's videos, those that still wait at the end: it was busy all the time. */
  readonly stillWaiting: number;
}

const STEPS = 4;
/** Creates that are under way at a time. */
const AT_ONCE = 10;
const LOOK_MS = 10;

/** One of the other account's: how many of the busy one's started before it, and how long it waited. */
const WAITS = `
  select (extract(epoch from mine.started_at - mine.created_at) * 1000)::float8 as wait_ms, (
    select count(*)::integer from mixcache.videos theirs
    where theirs.account_id = $1 and theirs.started_at > mine.created_at and theirs.started_at <= mine.started_at
  ) as overtakes
  from mixcache.videos mine where mine.account_id = $2 order by 1`;

const JOB = `
  select (percentile_cont(0.5) within group (order by ms))::float8 as ms from (
    select extract(epoch from started_at - lag(started_at) over (order by started_at)) * 1000 as ms
    from mixcache.videos where started_at is not null
  ) as gaps`;

const STILL_WAITING =
  "select count(*)::integer as count from mixcache.videos where account_id = $1 and status = 'queued'";

/** Runs the drill with one worker, everything over HTTP. */
export async function turns(api: TestApi, options: TurnsOptions): Promise<TurnsReport> {
  const { queued, asks, stepMs, random } = options;
  const busy = await api.account({ unlimited: true });
  const other = await api.account({ unlimited: true });
  let left = queued;
  const sender = async () => {
    while (left-- > 0) await create(api, busy.key);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  await api.startWorker({ stepMs });
  const { database } = api;
  for (let asked = 0; asked < asks; asked++) {
    // Somewhere in one of A's, once A has had its turn too: who was served just now waits behind it.
    await wait((1 + random()) * STEPS * stepMs);
    const id = await create(api, other.key);
    while ((await api.jobs.get(other.id, id)).startedAt === undefined) await wait(LOOK_MS);
  }
  const waits = await database.query<{ wait_ms: number; overtakes: number }>(WAITS, [busy.id, other.id]);
  const [job] = await database.query<{ ms: number | null }>(JOB);
  const [still] = await database.query<{ count: number }>(STILL_WAITING, [busy.id]);
  const jobMs = job?.ms ?? Number.NaN;
  const waitsMs = waits.map(({ wait_ms }) => wait_ms);
  return {
    queued,
    asks: waits.length,
    jobMs,
    waitsMs,
    longestWaitJobs: Math.max(...waitsMs) / jobMs,
    mostOvertakes: Math.max(...waits.map(({ overtakes }) => overtakes)),
    stillWaiting: still?.count ?? 0,
  };
}

async function create({ origin }: TestApi, key: string): Promise<string> {
  const response = await fetch(`${origin}/v1/videos`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ prompt: "a red circle", num_inference_steps: STEPS, cache: "off" }),
  });
  const { id } = (await response.json()) as { id?: string };
  if (id === undefined) throw new Error(`A create was answered with ${response.status}.`);
  return id;
}
