/** Videos that break whoever works at them: by an error of the engine, or by killing the process. */

import type { Postgres } from "../support/postgres.ts";
import { judge, type Verdict } from "./oracle.ts";
import { exitOf, sleep, start } from "./processes.ts";
import { POISON, type WorkerGiven } from "./worker-main.ts";
import { ACCOUNTS, openAccounts, openWorld, type Place, SHORT_LEASE, type World, wishOf } from "./world.ts";

export interface PoisonOptions {
  readonly postgres: Postgres;
  readonly store: string;
}

export interface PoisonReport extends Verdict {
  /** Of the video whose engine crashes, and of the one that kills its processes. */
  readonly attempts: readonly number[];
  readonly charges: readonly string[];
}

const LOOK_MS = 300;
const PATIENCE_MS = 120_000;

/** Runs the drill: two poisoned videos, then one that is not, which has to come out. */
export async function drillPoison({ postgres, store }: PoisonOptions): Promise<PoisonReport> {
  const place: Place = { database: { url: await postgres.database() }, store, lease: SHORT_LEASE };
  const world = await openWorld(place);
  await openAccounts(world.database);
  const ids: string[] = [];
  for (const prompt of ["crash", POISON, "a video"])
    ids.push((await world.jobs.create(wishOf(ACCOUNTS[0], prompt))).video.id);
  const state = { ended: false };
  const seat = keepOneWorking(place, state);
  const videos = await allOver(world, ids);
  state.ended = true;
  await seat;
  const verdict = await judge(world.database, store, new Set(ids));
  await world.close();
  const [crash, poison, good] = videos;
  const faults = [...verdict.faults];
  for (const video of [crash, poison])
    if (video?.failures.length !== 3 || video.cost !== 0n)
      faults.push(`${video?.id} did not fail three times, free.`);
  if (good?.status !== "completed") faults.push(`${good?.id} did not come out.`);
  return {
    ...verdict,
    attempts: [crash, poison].map((video) => video?.failures.length ?? 0),
    charges: [crash, poison].map((video) => String(video?.cost)),
    faults,
  };
}

async function keepOneWorking(place: Place, state: { ended: boolean }): Promise<void> {
  const given: WorkerGiven = { place, engine: "stub" };
  while (!state.ended) {
    const child = start("worker-main.ts", given);
    while (!state.ended && child.exitCode === null && child.signalCode === null) await sleep(LOOK_MS);
    child.kill("SIGKILL");
    await exitOf(child);
  }
}

async function allOver({ jobs }: World, ids: readonly string[]) {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    await jobs.sweep();
    const videos = await Promise.all(ids.map((id) => jobs.get(ACCOUNTS[0], id)));
    if (videos.every(({ cost }) => cost !== undefined) || Date.now() > until) return videos;
    await sleep(LOOK_MS);
  }
}
