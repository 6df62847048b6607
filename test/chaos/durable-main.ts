/** One run through everything that writes, which its fuse ends. Tells every acknowledged id; exits with 0 at the end. */

import { writeSync } from "node:fs";
import { tidy } from "../../src/worker/janitor.ts";
import { Fuse } from "./durable.ts";
import { make, settleCancelled } from "./make.ts";
import { given } from "./processes.ts";
import { ACCOUNTS, openWorld, type Place, SILENT, wishOf } from "./world.ts";

export interface DurableGiven {
  readonly place: Place;
  /** The durable call that is its last. */
  readonly at: number;
  /** Names the run: its keys are its own. */
  readonly run: string;
}

/** Videos of a run; whoever repeats its creates asks for as many. */
export const VIDEOS_OF_A_RUN = 5;

/** The same wish each time it is asked for. */
export function wishOfRun(run: string, index: number) {
  const name = `${run}-${index}`;
  return wishOf(ACCOUNTS[0], "a video", { idempotencyKey: name, fingerprint: name });
}

if (import.meta.main) {
  const { place, at, run } = given<DurableGiven>();
  const fuse = new Fuse(at);
  const world = await openWorld(place, {
    database: (real) => fuse.database(real),
    store: (real) => fuse.store(real),
  });
  const { jobs } = world;
  const create = async (index: number) => {
    const { video } = await jobs.create(wishOfRun(run, index));
    writeSync(1, `${video.id}\n`);
    return video.id;
  };
  const take = async () => {
    const taken = await jobs.take();
    if (!taken) throw new Error("There is nothing to take.");
    return taken;
  };
  const error = { code: "engine_crashed", message: "The engine crashed." };
  fuse.arm();
  const gone = await create(0);
  await make(world, await take());
  const cancelled = await create(1);
  await jobs.handBack(await take());
  const running = await take();
  const events = [{ type: "decision" as const, data: { step: 1, mode: "full" } }];
  await jobs.heartbeat(running, { percent: 50 }, { from: 0, events });
  await jobs.cancel(ACCOUNTS[0], cancelled);
  await settleCancelled(world, running);
  const waiting = await create(2);
  await jobs.cancel(ACCOUNTS[0], waiting);
  await create(3);
  await jobs.settle(await take(), { kind: "failed", error, retry: true });
  await make(world, await take());
  await create(4);
  await jobs.settle(await take(), { kind: "failed", error, retry: false });
  await jobs.delete(ACCOUNTS[0], gone);
  await tidy({ jobs, store: world.store, log: SILENT });
  process.send?.(fuse.count);
  process.exit();
}
