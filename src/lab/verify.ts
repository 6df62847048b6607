/** Makes some results again: the same settings must give the same frames by the same decisions. */

import { compareVideos } from "../engine/metrics/index.ts";
import type { EngineChild, EngineResult } from "../node/index.ts";
import { type Contestant, REFERENCE } from "./contestants.ts";
import { sha256 } from "./digest.ts";
import type { Group, Plan } from "./plan.ts";
import { type Result, type Steps, stepsOf } from "./result.ts";
import { digestIn, generate } from "./run.ts";
import type { LabProgress } from "./session.ts";
import type { Store } from "./store.ts";

/** dB at which two uncached videos are the same for all purposes. */
const SAME_TO_THE_EYE = 40;

export interface VerifyOptions {
  readonly engine: Pick<EngineChild, "generate">;
  readonly store: Store;
  readonly plan: Plan;
  /** Of the results that are there, 0 to 1; at least one is made again. */
  readonly share: number;
  /** dB that a PSNR may differ, for another kind of machine than the results are of. */
  readonly tolerance: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LabProgress) => void;
}

/** A result that came out differently. */
export interface Difference {
  readonly sentence: string;
  /** Within the tolerance. */
  readonly allowed: boolean;
}

interface Run {
  readonly group: Group;
  readonly who: Contestant;
  readonly stored: Result;
}

/** @throws MixcacheError of the engine or `aborted` */
export async function verify(
  options: VerifyOptions,
): Promise<{ checked: number; differences: Difference[] }> {
  const { store, plan, share, onProgress } = options;
  const sample = sampleOf(await storedRuns(plan, store), share);
  const differences: Difference[] = [];
  for (const [done, run] of sample.entries()) {
    onProgress?.({ label: run.who.label, done, total: sample.length });
    const made = await generate(options, run.group, run.who);
    const difference = await compare(options, run, made);
    if (difference) differences.push(difference);
  }
  return { checked: sample.length, differences };
}

async function storedRuns(plan: Plan, store: Store): Promise<Run[]> {
  const runs: Run[] = [];
  for (const group of plan.groups) {
    for (const who of [REFERENCE, ...plan.contestants]) {
      const stored = await store.read(digestIn(group, who.label));
      if (stored) runs.push({ group, who, stored });
    }
  }
  return runs;
}

/** Random, and the same each time: those whose digests' digests come first. */
export function sampleOf<T extends { readonly stored: { readonly digest: string } }>(
  runs: readonly T[],
  share: number,
): T[] {
  const ranked = runs.map((run) => ({ run, rank: sha256(run.stored.digest) }));
  const most = Math.min(runs.length, Math.max(1, Math.round(share * runs.length)));
  return ranked
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, most)
    .map(({ run }) => run);
}

async function compare(
  options: VerifyOptions,
  run: Run,
  made: EngineResult,
): Promise<Difference | undefined> {
  const { group, who, stored } = run;
  const parting = firstDifference(stored.steps, stepsOf(made.trace.steps));
  const sameFrames = sha256(made.frames.data) === stored.frames_sha256;
  if (sameFrames && parting === undefined) return undefined;
  const frames = sameFrames
    ? { words: "the same frames", allowed: false }
    : who === REFERENCE
      ? await uncachedFrames(options, stored, made)
      : await cachedFrames(options, run, made);
  const name = `${who.label}, seed ${group.seed}, “${group.prompt}”`;
  return {
    sentence: `${name}: ${frames.words}; ${parting ?? "the same decisions"}.`,
    allowed: frames.allowed && options.tolerance > 0,
  };
}

/** Another kind of machine may round differently; the video has to look the same. */
async function uncachedFrames({ store }: VerifyOptions, stored: Result, made: EngineResult) {
  if (!store.hasReference(stored.digest)) return { words: "other frames", allowed: true };
  const { psnr } = compareVideos(await store.readReference(stored), made.frames);
  return {
    words: `other frames, ${psnr.toFixed(2)} dB from the stored ones`,
    allowed: psnr >= SAME_TO_THE_EYE,
  };
}

/** How much better or worse the new video is, each against the uncached one of its own machine. */
async function cachedFrames(options: VerifyOptions, { group, stored }: Run, made: EngineResult) {
  const reference = await generate(options, group, REFERENCE);
  const change = compareVideos(reference.frames, made.frames).psnr - (stored.metrics?.psnr ?? Number.NaN);
  const words = `other frames, PSNR ${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(2)} dB`;
  return { words, allowed: Math.abs(change) <= options.tolerance };
}

/** Where two runs' decisions part, in words. */
export function firstDifference(stored: Steps, made: Steps): string | undefined {
  const at = stored.mode.findIndex((mode, i) => mode !== made.mode[i] || stored.cost[i] !== made.cost[i]);
  if (at < 0 && stored.mode.length === made.mode.length) return undefined;
  if (at < 0) return `${made.mode.length} steps instead of ${stored.mode.length}`;
  const margin = stored.margin[at];
  const was = `${stored.mode[at]}${typeof margin === "number" ? ` by a margin of ${margin}` : ""}`;
  return `decisions part at step ${at}, ${made.mode[at]} instead of ${was}`;
}
