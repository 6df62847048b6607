/** What a run did, step by step: the base of bills, benchmarks and timelines. */

import type { Branch, BranchPlan, Decision } from "./cache/contract.ts";
import type { RecordedRun } from "./cache/recorded-run.ts";

/** What files of traces say of themselves. */
export const TRACE_FORMAT = "mixcache.trace/1";

/** One graph that ran. */
export interface GraphTrace {
  readonly id: string;
  readonly durationMs: number;
  readonly flops: number;
}

export interface BranchTrace {
  readonly branch: Branch;
  readonly plan: BranchPlan["kind"];
  readonly graphs: readonly GraphTrace[];
}

export interface StepTrace {
  readonly index: number;
  /** Noise level at the start of the step. */
  readonly sigma: number;
  readonly denoiser: string;
  readonly branches: readonly BranchTrace[];
  readonly flops: number;
  /** FLOPs of the same step with nothing reused. */
  readonly fullFlops: number;
  /** Why the policy planned the step so. */
  readonly decision?: Decision;
  /** What the policy found its cache to be wrong by. */
  readonly deviation?: number;
  /** Every scalar that the policy was given in this step, in order: enough to replay its decisions. */
  readonly scalars: readonly number[];
  readonly durationMs: number;
  /** Of that, what the policy itself took: decisions and the distances that they rest on. */
  readonly policyMs: number;
}

export interface RunTrace {
  readonly policy: string;
  /** Digest of the warm cache profile that the policy was given; null where there was none. */
  readonly profile: string | null;
  /** What the policy was told of the run when it was started; with the steps' scalars enough to replay it. */
  readonly run: RecordedRun;
  readonly steps: readonly StepTrace[];
  readonly text: readonly GraphTrace[];
  /** Texts whose embeddings were there already, each counted once for every encoder. */
  readonly textCached: number;
  readonly decode: readonly GraphTrace[];
  /** Wall times of the three parts and of the whole. */
  readonly textMs: number;
  readonly denoiseMs: number;
  readonly decodeMs: number;
  readonly totalMs: number;
  /** FLOPs really computed by the DiT, and what they would have been without a cache. */
  readonly denoiseFlops: number;
  readonly fullDenoiseFlops: number;
  /** The most bytes of kept results at one time. */
  readonly cacheBytesPeak: number;
}

/** What a step was: in its policy's word, or, where it has none, by its branches. */
export function stepMode({
  decision,
  branches,
}: Pick<StepTrace, "decision"> & { readonly branches: readonly Pick<BranchTrace, "plan">[] }): string {
  if (decision) return decision.mode;
  const reused = branches.filter(({ plan }) => plan === "reuse").length;
  return reused === 0 ? "full" : reused === branches.length ? "step" : "cfg";
}

/** FLOPs of some graphs together. */
export function sumFlops(graphs: readonly GraphTrace[]): number {
  return graphs.reduce((sum, { flops }) => sum + flops, 0);
}
