/**
 * Workers stopped with SIGSTOP past their lease, and resumed when their videos are settled, in other hands or waiting
 * again. Whatever they try then has to be refused.
 */

import { MixcacheError } from "../../src/errors.ts";
import type { Taken } from "../../src/jobs/index.ts";
import type { Postgres } from "../support/postgres.ts";
import { make } from "./make.ts";
import { judge, type Verdict } from "./oracle.ts";
import { exitOf, messageOf, sleep, start } from "./processes.ts";
import { ACCOUNTS, openAccounts, openWorld, type Place, type World, wishOf } from "./world.ts";
import type { ZombieGiven, ZombieTale } from "./zombie-main.ts";

export interface ZombieOptions {
  readonly postgres: Postgres;
  readonly store: string;
  readonly random: () => number;
  readonly zombies: number;
  readonly workers: number;
}

export interface ZombieReport extends Verdict {
  readonly zombies: number;
  /** Of those, whose every try was refused. */
  readonly rejected: number;
}

const LEASE = { leaseSeconds: 10, attemptSeconds: 2, monitorSeconds: 1 };
const LOOK_MS = 200;

/** Runs the drill. */
export async function drillZombies(options: ZombieOptions): Promise<ZombieReport> {
  const { postgres, store, zombies, workers } = options;
  const place: Place = { database: { url: await postgres.database() }, store, lease: LEASE };
  const given: ZombieGiven = { place };
  const world = await openWorld(place);
  await openAccounts(world.database);
  const fleet = Array.from({ length: Math.min(workers, zombies) }, () => start("zombie-main.ts", given));
  for (const child of fleet) await messageOf(child);
  const acknowledged = new Set<string>();
  const tales: ZombieTale[] = [];
  while (tales.length < zombies) {
    const round = fleet.slice(0, zombies - tales.length);
    for (const _ of round)
      acknowledged.add((await world.jobs.create(wishOf(ACCOUNTS[0], "a video"))).video.id);
    const answers = round.map(messageOf);
    for (const child of round) child.send("take");
    await Promise.all(answers);
    for (const child of round) child.kill("SIGSTOP");
    const held = await steal(world, options, round.length);
    const told = round.map(messageOf);
    for (const child of round) {
      child.kill("SIGCONT");
      child.send("try");
    }
    tales.push(...((await Promise.all(told)) as ZombieTale[]));
    for (const taken of held) await settle(world, taken);
    await drain(world);
  }
  for (const child of fleet) {
    child.kill("SIGKILL");
    await exitOf(child);
  }
  const verdict = await judge(world.database, store, acknowledged);
  await world.close();
  const refused = tales.filter(
    (tale) => tale.settle === "attempt_lost" && tale.handBack === "attempt_lost" && tale.heartbeat === "lost",
  );
  const accepted = tales.filter((tale) => !refused.includes(tale));
  const faults = accepted.map((tale) => `A zombie was not refused: ${JSON.stringify(tale)}.`);
  return {
    ...verdict,
    zombies: tales.length,
    rejected: refused.length,
    faults: [...verdict.faults, ...faults],
  };
}

/** Waits until every lease is over; then a third is settled by others, a third held by them, and a third waits. */
async function steal(world: World, { random }: ZombieOptions, count: number): Promise<Taken[]> {
  let requeued = 0;
  while (requeued < count) {
    await sleep(LOOK_MS);
    requeued += (await world.jobs.sweep()).requeued;
  }
  const held: Taken[] = [];
  for (let one = 0; one < Math.ceil((count * 2) / 3); one++) {
    const taken = await world.jobs.take();
    if (!taken) break;
    if (random() < 0.5) await settle(world, taken);
    else held.push(taken);
  }
  return held;
}

async function settle(world: World, taken: Taken): Promise<void> {
  // On a slow machine the lease of this one may be over too; a later drain makes the video then.
  await make(world, taken).catch((error: unknown) => {
    if (!(error instanceof MixcacheError) || error.code !== "attempt_lost") throw error;
  });
}

/** Until nothing waits or runs, also of what the others' leases ran out for. */
async function drain(world: World): Promise<void> {
  for (;;) {
    await world.jobs.sweep();
    for (let taken = await world.jobs.take(); taken; taken = await world.jobs.take())
      await settle(world, taken);
    const [live] = await world.database.query("select 1 from mixcache.videos where cost is null limit 1");
    if (!live) return;
    await sleep(LOOK_MS);
  }
}
