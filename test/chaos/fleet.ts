/** Workers as processes on PostgreSQL, killed with -9 at random moments, replaced, and in the end left alone. */

import type { ChildProcess } from "node:child_process";
import { childrenOf } from "../faults/processes.ts";
import type { Postgres } from "../support/postgres.ts";
import { judge, type Verdict } from "./oracle.ts";
import { exitOf, messageOf, sleep, start } from "./processes.ts";
import { POISON, type WorkerGiven } from "./worker-main.ts";
import { ACCOUNTS, openAccounts, openWorld, type Place, type World, wishOf } from "./world.ts";

export interface FleetOptions {
  readonly postgres: Postgres;
  /** Folder of the store. */
  readonly store: string;
  readonly random: () => number;
  readonly kills: number;
  readonly workers: number;
  readonly engine: "stub" | "real";
  readonly lease: Place["lease"];
  /** A worker that is ready lives up to this long. */
  readonly lifeMs: number;
}

export interface FleetReport extends Verdict {
  readonly kills: number;
}

/** Videos that wait while the killing goes on. */
const WAITING = 30;
const EVERY_MS = 250;
/** Longer than this without a video's end, and something hangs. */
const PATIENCE_MS = 180_000;

/** Runs the drill. */
export async function drillFleet(options: FleetOptions): Promise<FleetReport> {
  const place: Place = {
    database: { url: await options.postgres.database() },
    store: options.store,
    lease: options.lease,
  };
  const world = await openWorld(place);
  await openAccounts(world.database);
  const acknowledged = new Set<string>();
  const state = { left: options.kills, killed: 0, ended: false };
  const seats = Array.from({ length: options.workers }, () => seat(options, place, state));
  const sweeping = repeat(() => world.jobs.sweep(), state);
  const asking = repeat(
    () => (state.left > 0 ? ask(world, options, acknowledged) : Promise.resolve()),
    state,
  );
  await rest(world, state);
  state.ended = true;
  await Promise.all([...seats, sweeping, asking]);
  const verdict = await judge(world.database, options.store, acknowledged);
  await world.close();
  return { ...verdict, kills: state.killed };
}

interface State {
  left: number;
  killed: number;
  ended: boolean;
}

/** One worker after the other, each killed while there are kills left. */
async function seat({ random, engine, lifeMs }: FleetOptions, place: Place, state: State): Promise<void> {
  const given: WorkerGiven = { place, engine };
  while (!state.ended) {
    const child = start("worker-main.ts", given);
    if ((await messageOf(child)) === "ready") await until(state, random() * lifeMs);
    if (state.left > 0 && !state.ended) {
      state.left -= 1;
      state.killed += 1;
      kill(child, engine === "real" && random() < 0.5);
      // A worker whose engine was killed goes on with a new one, and is killed in its turn.
      if (child.exitCode === null && child.signalCode === null && !child.killed) await until(state, lifeMs);
      child.kill("SIGKILL");
    } else {
      while (!state.ended && child.exitCode === null && child.signalCode === null) await sleep(EVERY_MS);
      child.kill("SIGTERM");
    }
    await exitOf(child);
  }
}

/** The worker, or only its engine's process. */
function kill(child: ChildProcess, engineOnly: boolean): void {
  const [engine] = engineOnly && child.pid !== undefined ? childrenOf(child.pid) : [];
  if (engine) process.kill(engine, "SIGKILL");
  else child.kill("SIGKILL");
}

async function until(state: State, ms: number): Promise<void> {
  const end = Date.now() + ms;
  while (Date.now() < end && state.left > 0) await sleep(Math.max(0, Math.min(50, end - Date.now())));
}

/** Fills the queue, cancels some, and slips a poisoned one in now and then. */
async function ask(
  { database, jobs }: World,
  options: FleetOptions,
  acknowledged: Set<string>,
): Promise<void> {
  const { random, engine } = options;
  const [{ waiting } = { waiting: 0 }] = await database.query<{ waiting: number }>(
    "select count(*)::integer as waiting from mixcache.videos where status = 'queued'",
  );
  for (let count = waiting; count < WAITING; count++) {
    const accountId = ACCOUNTS[Math.floor(random() * ACCOUNTS.length)] ?? ACCOUNTS[0];
    const prompt = engine === "stub" && random() < 0.02 ? POISON : `video ${acknowledged.size}`;
    const { video } = await jobs.create(wishOf(accountId, prompt));
    acknowledged.add(video.id);
    if (random() < 0.1)
      await jobs
        .cancel(accountId, [...acknowledged].at(-1 - Math.floor(random() * 20)) ?? video.id)
        .catch(() => {});
  }
}

async function repeat(work: () => Promise<unknown>, state: State): Promise<void> {
  while (!state.ended) {
    await work();
    await sleep(EVERY_MS);
  }
}

/** Until nothing is waiting or running any more; gives up where nothing ends for long. */
async function rest({ database }: World, state: State): Promise<void> {
  let last = { live: -1, over: -1 };
  let since = Date.now();
  while (state.left > 0 || last.live !== 0) {
    await sleep(EVERY_MS);
    const [now] = await database.query<{ live: number; over: number }>(
      "select (count(*) filter (where cost is null))::integer as live, count(cost)::integer as over from mixcache.videos",
    );
    if (now && now.over !== last.over) since = Date.now();
    if (now) last = now;
    if (Date.now() - since > PATIENCE_MS) return;
  }
}
