/** What a run's cache saved, from its trace. */

import { quantile } from "./metrics/statistics.ts";
import { type RunTrace, type StepTrace, stepMode } from "./trace.ts";

export interface RunTotals {
  readonly steps: number;
  /** Steps by what was done in them: `{ full: 25, step: 20, cfg: 5 }`. */
  readonly modes: Readonly<Record<string, number>>;
  /** FLOPs that the DiT did not compute. */
  readonly flopsSaved: number;
  /** FLOPs without a cache over those computed: the speedup of the DiT if nothing but FLOPs took time. */
  readonly idealSpeedup: number;
  /** Wall time of all steps, the policy's included. */
  readonly ditMs: number;
  /**
   * How long they would have taken without a cache, estimated: each step as long as its denoiser's median step in
   * full, the policy's time left out.
   */
  readonly uncachedDitMs: number;
  /** The difference of these two, and so of the whole video's time; below 0 where the policy took more than it saved. */
  readonly savedMs: number;
  readonly ditSpeedup: number;
  /** Text encoders, steps and decoder: estimated time without a cache over time. */
  readonly endToEndSpeedup: number;
  readonly policyMs: number;
}

export function totalsOf(trace: RunTrace): RunTotals {
  const { steps, denoiseFlops, fullDenoiseFlops, totalMs } = trace;
  const modes: Record<string, number> = {};
  for (const mode of steps.map(stepMode)) modes[mode] = (modes[mode] ?? 0) + 1;
  const ditMs = sum(steps, ({ durationMs }) => durationMs);
  const groups = [...Map.groupBy(steps, ({ denoiser }) => denoiser).values()];
  const uncachedDitMs = sum(groups, (ofOne) => ofOne.length * fullStepMs(ofOne));
  const cached = denoiseFlops < fullDenoiseFlops;
  // Where nothing was reused there is nothing to estimate: what was measured is the answer.
  const without = cached ? uncachedDitMs : ditMs;
  return {
    steps: steps.length,
    modes,
    flopsSaved: fullDenoiseFlops - denoiseFlops,
    idealSpeedup: fullDenoiseFlops / denoiseFlops,
    ditMs,
    uncachedDitMs: without,
    savedMs: without - ditMs,
    ditSpeedup: without / ditMs,
    endToEndSpeedup: (totalMs + without - ditMs) / totalMs,
    policyMs: sum(steps, ({ policyMs }) => policyMs),
  };
}

/** The median of the steps in full; where there is none, of all by what they would have cost in full. */
function fullStepMs(steps: readonly StepTrace[]): number {
  const full = steps.filter(({ flops, fullFlops }) => flops === fullFlops);
  const judged = full.length > 0 ? full : steps.filter(({ flops }) => flops > 0);
  const times = judged.map(
    ({ durationMs, policyMs, flops, fullFlops }) => ((durationMs - policyMs) * fullFlops) / flops,
  );
  return quantile(times, 0.5);
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
