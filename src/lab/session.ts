/** An experiment from its options to its results: plans, runs what is missing, tells how far it is. */

import { cpus } from "node:os";
import { invalid } from "../errors.ts";
import type { EngineChild } from "../node/index.ts";
import { REFERENCE } from "./contestants.ts";
import { engineSource } from "./digest.ts";
import { groupsOf, makePlan, PLAN_FILE, type Planned, type PlanOptions, type Shard } from "./plan.ts";
import { missing, runGroup } from "./run.ts";
import type { Store } from "./store.ts";

/** Where a run is. */
export interface LabProgress {
  readonly label: string;
  readonly done: number;
  readonly total: number;
}

export interface SessionOptions extends Omit<PlanOptions, "info" | "machine"> {
  readonly engine: Pick<EngineChild, "info" | "generate" | "profileOf">;
  readonly store: Store;
  readonly shard?: Shard;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LabProgress) => void;
}

/** The version that results are of: the package's and a digest of the engine's source. */
export function engineVersion(packageVersion: string): string {
  return `${packageVersion}+${engineSource()}`;
}

/** Steps of the video that warms the engine up; it is not measured. */
const WARM_UP_STEPS = 4;

/**
 * Makes every video of the experiment that is not there yet, and leaves plan and results in the store.
 * @throws MixcacheError of the engine, of a contestant that this bundle can't run, `aborted`, or of the disk
 */
export async function runExperiment(options: SessionOptions): Promise<Planned> {
  const { engine, store, base, shard = { index: 1, of: 1 }, signal, onProgress } = options;
  const info = await engine.info();
  const planned = await makePlan({
    ...options,
    info,
    machine: machine(),
    profileOf: (key) => engine.profileOf(key),
  });
  const { plan, keys } = planned;
  await store.writeFile(PLAN_FILE, `${JSON.stringify(plan)}\n`);
  const left = groupsOf(plan, shard)
    .map(([number, group]) => ({ number, group, videos: missing({ plan, store }, group, number).length }))
    .filter(({ videos }) => videos > 0);
  const [first] = left;
  if (!first) return planned;
  const total = left.reduce((sum, { videos }) => sum + videos, 0);
  let done = 0;
  const onVideo = (label: string) => onProgress?.({ label, done: ++done, total });
  onProgress?.({ label: "warming up", done, total });
  const warmUp = {
    ...base,
    prompt: first.group.prompt,
    num_inference_steps: WARM_UP_STEPS,
    cache: REFERENCE.cache,
  };
  if (plan.timed) await engine.generate(warmUp, { ...(signal && { signal }) });
  for (const { number, group } of left)
    await runGroup({ engine, plan, keys, store, onVideo, ...(signal && { signal }) }, number, group);
  return planned;
}

/** The processors that timings are of. */
function machine(): string {
  const all = cpus();
  return `${all[0]?.model.trim() || "unknown processor"} (${all.length} cores)`;
}

/** "2/4" @throws MixcacheError `invalid_argument` */
export function parseShard(text: string): Shard {
  const match = /^(\d{1,4})\/(\d{1,4})$/.exec(text);
  const [index, of] = [Number(match?.[1]), Number(match?.[2])];
  if (!(index >= 1 && index <= of))
    invalid("shard", `--shard is “${text}”; write it as 2/4, the second of four.`);
  return { index, of };
}
