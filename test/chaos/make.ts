/** A video made without a worker: stub engine, files, settlement. */

import { type Taken, usageOf } from "../../src/jobs/index.ts";
import { recordOfResult, recordOfStopped } from "../../src/worker/record.ts";
import { storeRecord, storeResult } from "../../src/worker/results.ts";
import { StubEngine } from "../support/stub-engine.ts";
import type { World } from "./world.ts";

const engine = new StubEngine();

/** Makes and settles it. */
export async function make({ jobs, store }: Pick<World, "jobs" | "store">, taken: Taken): Promise<void> {
  const { prompt, num_inference_steps, num_frames } = taken.video.request;
  const made = await engine.generate({ prompt, num_inference_steps, num_frames });
  const record = recordOfResult(taken, await engine.info(), made);
  const result = await storeResult(store, taken, made.frames, record);
  await jobs.settle(taken, { kind: "completed", result, usage: usageOf(record) });
}

/** Makes all that waits. */
export async function makeAll(world: Pick<World, "jobs" | "store">): Promise<void> {
  for (let taken = await world.jobs.take(); taken; taken = await world.jobs.take()) await make(world, taken);
}

/** Ends it as a worker ends one that was cancelled after two steps: with a record, by which it is billed. */
export async function settleCancelled(
  { jobs, store }: Pick<World, "jobs" | "store">,
  taken: Taken,
): Promise<void> {
  const steps = [0, 1].map((index) => ({ index, mode: "full", flops: 5_000_000, full_flops: 5_000_000 }));
  const stopped = { outcome: "cancelled", steps, engineMs: 2 } as const;
  const record = recordOfStopped(taken, await engine.info(), stopped);
  const trace = await storeRecord(store, taken, record);
  await jobs.settle(taken, { kind: "cancelled", usage: usageOf(record), trace });
}
