/** Makes the videos that a plan needs and that are not there yet, measures them, and stores what came of it. */

import { compareVideos } from "../engine/metrics/index.ts";
import { type ErrorCode, MixcacheError } from "../errors.ts";
import type { EngineChild, EngineResult } from "../node/index.ts";
import { adherence, scoreVideo } from "./adherence/score.ts";
import { type Contestant, REFERENCE } from "./contestants.ts";
import { sha256 } from "./digest.ts";
import { type Group, orderOf, type Plan, requestOf } from "./plan.ts";
import { RESULT_FORMAT, type Result, type RunKey, stepsOf, storedMetrics } from "./result.ts";
import { sheetOf } from "./sheet.ts";
import type { Store } from "./store.ts";

/** An experiment at work. */
export interface Lab {
  readonly engine: Pick<EngineChild, "generate">;
  readonly plan: Plan;
  /** What determines each run of the plan, by digest. */
  readonly keys: ReadonlyMap<string, RunKey>;
  readonly store: Store;
  readonly signal?: AbortSignal;
  /** After each video that was made. */
  readonly onVideo?: (label: string) => void;
}

/** A video that was just made, and waits for its reference. */
interface Made {
  readonly digest: string;
  readonly result: EngineResult;
}

/** Who has to run in a group: those without a result, and the reference beside them to be timed or compared with. */
export function missing(
  { plan, store }: Pick<Lab, "plan" | "store">,
  group: Group,
  number: number,
): Contestant[] {
  const there = ({ label }: Contestant) => store.has(digestIn(group, label));
  const left = plan.contestants.filter((who) => !there(who));
  const reference =
    !there(REFERENCE) || (left.length > 0 && (plan.timed || !store.hasReference(group.reference)));
  return orderOf(plan, number).filter((who) => (who === REFERENCE ? reference : left.includes(who)));
}

/** The digest of a contestant's run, or of the reference. */
export function digestIn(group: Group, label: string): string {
  const digest = label === REFERENCE.label ? group.reference : group.runs[label];
  if (digest === undefined) throw new Error(`The group has no run of ${label}.`);
  return digest;
}

/**
 * Runs what is missing of a group. What is made before the reference waits for it.
 * @throws MixcacheError of the engine, with the contestant's name; `engine_failed` where the reference, made again, is
 * another video than before
 */
export async function runGroup(lab: Lab, number: number, group: Group): Promise<void> {
  const order = missing(lab, group, number);
  let reference = order.includes(REFERENCE) ? undefined : await storedReference(lab, group);
  const waiting: Made[] = [];
  for (const who of order) {
    const result = await generate(lab, group, who);
    if (who === REFERENCE) reference = await storeReference(lab, group, result);
    else waiting.push({ digest: digestIn(group, who.label), result });
    if (reference)
      for (const { digest, result } of waiting.splice(0))
        await storeResult(lab, group, digest, result, reference);
    lab.onVideo?.(who.label);
  }
}

/** @throws MixcacheError of the engine, with the contestant's name */
export async function generate(
  { engine, plan, signal }: Pick<Lab, "engine" | "plan" | "signal">,
  group: Group,
  who: Contestant,
): Promise<EngineResult> {
  try {
    return await engine.generate(requestOf(plan.base, group, who), { ...(signal && { signal }) });
  } catch (error) {
    throw error instanceof MixcacheError ? named(who.label, error) : error;
  }
}

/** Says whose failure it was. */
function named(label: string, error: MixcacheError): MixcacheError {
  if (error.code === ("aborted" satisfies ErrorCode)) return error;
  return new MixcacheError(error.code, `${label}: ${error.message}`, { cause: error });
}

interface Reference {
  readonly digest: string;
  readonly frames: EngineResult["frames"];
  readonly flops: number;
  readonly denoiseMs: number;
}

async function storeReference(lab: Lab, group: Group, result: EngineResult): Promise<Reference> {
  const { store } = lab;
  const digest = group.reference;
  const before = await store.read(digest);
  if (before && before.frames_sha256 !== sha256(result.frames.data)) {
    throw new MixcacheError(
      "engine_failed",
      `The uncached video of “${group.prompt}”, seed ${group.seed}, came out differently than before. ` +
        "Results of different machines or versions can't be mixed; choose another --output.",
    );
  }
  if (!store.hasReference(digest)) await store.writeReference(digest, result.frames);
  if (!before) await storeResult(lab, group, digest, result, null);
  const { denoiseFlops: flops, denoiseMs } = result.trace;
  return { digest, frames: result.frames, flops, denoiseMs };
}

async function storedReference({ store }: Lab, group: Group): Promise<Reference> {
  const result = await store.read(group.reference);
  if (!result) throw new Error(`There is no reference ${group.reference}.`);
  const frames = await store.readReference(result);
  return { digest: group.reference, frames, flops: result.flops, denoiseMs: result.denoise_ms };
}

async function storeResult(
  { store, keys }: Lab,
  group: Group,
  digest: string,
  { trace, frames }: EngineResult,
  reference: Reference | null,
): Promise<void> {
  const key = keys.get(digest);
  if (!key) throw new Error(`The plan has no run ${digest}.`);
  const metrics = reference && storedMetrics(compareVideos(reference.frames, frames));
  const result: Result = {
    format: RESULT_FORMAT,
    digest,
    key,
    frames_sha256: sha256(frames.data),
    metrics,
    reference: reference && {
      digest: reference.digest,
      flops: reference.flops,
      denoise_ms: hundredths(reference.denoiseMs),
    },
    flops: trace.denoiseFlops,
    denoise_ms: hundredths(trace.denoiseMs),
    total_ms: hundredths(trace.totalMs),
    policy_ms: hundredths(trace.steps.reduce((sum, { policyMs }) => sum + policyMs, 0)),
    cache_bytes_peak: trace.cacheBytesPeak,
    steps: stepsOf(trace.steps),
    adherence: group.expected ? adherence(group.expected, scoreVideo(frames.data, frames)) : null,
  };
  await store.writeSheet(digest, await sheetOf(frames));
  await store.write(result);
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
