/** A process killed at its n-th durable call, for every n; after each kill the world is mended as it would be. */

import { tidy } from "../../src/worker/janitor.ts";
import type { Postgres } from "../support/postgres.ts";
import { type DurableGiven, VIDEOS_OF_A_RUN, wishOfRun } from "./durable-main.ts";
import type { FleetReport } from "./fleet.ts";
import { makeAll } from "./make.ts";
import { judge } from "./oracle.ts";
import { exitOf, start } from "./processes.ts";
import { LONG_LEASE, openAccounts, openWorld, type Place, SILENT, type World } from "./world.ts";

export interface EveryCallOptions {
  readonly postgres: Postgres;
  readonly store: string;
  /** Each so many-th n is done; 1 is every one. */
  readonly stride: number;
  /** The first n, from 1 to the stride. */
  readonly first: number;
}

/** As if the time of every attempt were over. */
const EXPIRE = `
  update pgboss.job set started_on = started_on - interval '2 days', heartbeat_on = heartbeat_on - interval '2 days'
  where state = 'active'`;
const FORGET_MONITOR = "update pgboss.queue set monitor_claim_on = null, monitor_on = null";
/** Wishes that became more or fewer videos than one. */
const NOT_ONE = `
  select fingerprint, count(*)::integer as count from mixcache.videos group by fingerprint having count(*) <> 1`;

/** Runs the drill; `kills` counts the calls that were the last. */
export async function drillEveryCall(options: EveryCallOptions): Promise<FleetReport> {
  const { postgres, store, stride, first } = options;
  const place: Place = { database: { url: await postgres.database() }, store, lease: LONG_LEASE };
  const world = await openWorld(place);
  await openAccounts(world.database);
  const acknowledged = new Set<string>();
  const faults: string[] = [];
  let kills = 0;
  for (let at = first; ; at += stride) {
    const given: DurableGiven = { place, at, run: `run-${at}` };
    const { signal, code } = await run(given, acknowledged);
    if (signal === "SIGKILL") kills += 1;
    else if (code !== 0) faults.push(`The run that was to end at call ${at} ended with ${code}.`);
    await mend(world, given.run, acknowledged);
    // It came to its end: there are no more calls.
    if (signal !== "SIGKILL") break;
  }
  for (const { fingerprint, count } of await world.database.query<{ fingerprint: string; count: number }>(
    NOT_ONE,
  ))
    faults.push(`The wish ${fingerprint} became ${count} videos.`);
  const verdict = await judge(world.database, store, acknowledged);
  await world.close();
  return { ...verdict, kills, faults: [...verdict.faults, ...faults] };
}

async function run(given: DurableGiven, acknowledged: Set<string>) {
  const child = start("durable-main.ts", given);
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const closed = new Promise((resolve) => child.stdout?.once("close", resolve));
  const exit = await exitOf(child);
  await closed;
  for (const id of text.split("\n").filter((line) => line !== "")) acknowledged.add(id);
  return exit;
}

/** The caller repeats what it got no answer for, the lease runs out, the sweep comes, another worker goes on. */
async function mend(world: World, run: string, acknowledged: Set<string>): Promise<void> {
  for (let index = 0; index < VIDEOS_OF_A_RUN; index++)
    acknowledged.add((await world.jobs.create(wishOfRun(run, index))).video.id);
  await world.database.query(EXPIRE);
  await world.database.query(FORGET_MONITOR);
  await world.jobs.sweep();
  await makeAll(world);
  await tidy({ ...world, log: SILENT });
}
