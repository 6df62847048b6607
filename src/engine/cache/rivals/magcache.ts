/** MagCache (arXiv 2506.09045): a stored table of how the stack residual's magnitude changes says when to reuse it. */

import { z } from "zod";
import { MixcacheError } from "../../../errors.ts";
import type { Branch, CachePolicy, DenoiserInfo, ReusablePart } from "../contract.ts";
import { definePolicy, type PolicyContext } from "../definition.ts";
import { again, branchwise, COMPUTE, type Rule } from "./branchwise.ts";

const STACK: ReusablePart = { kind: "stack" };

/** What MagCache's rule turns on. */
export interface MagnitudeRule {
  /** Below it the accumulated error has to stay. */
  readonly threshold: number;
  /** The most reused steps in a row. */
  readonly maxSkipSteps: number;
  /** The share of a denoiser's steps, from its first, that is computed in any case. */
  readonly retentionRatio: number;
  /** Computed in any case: the last of the run, or none. */
  readonly lastStep: number | undefined;
}

/**
 * The rule: the product γ of the ratios since the last computed step is how much larger or smaller the true residual
 * is than the kept one; |1 − γ| is that step's error, and errors add up.
 * @param ratios of each step of the run: the residual's norm over that of the step before
 */
export function magnitudeRule(
  ratios: readonly number[],
  { steps: [from, to] }: DenoiserInfo,
  { threshold, maxSkipSteps, retentionRatio, lastStep }: MagnitudeRule,
): Rule {
  const retained = from + Math.floor(retentionRatio * (to - from));
  let ratio = 1;
  let error = 0;
  let skipped = 0;
  return (step) => {
    if (step < retained) return COMPUTE;
    ratio *= ratios[step] ?? 1;
    error += Math.abs(1 - ratio);
    skipped += 1;
    const values = { ratio, error };
    if (step !== lastStep && error < threshold && skipped <= maxSkipSteps)
      return { reuse: again(STACK), values };
    ratio = 1;
    error = 0;
    skipped = 0;
    return { values };
  };
}

/** The nearest entries of a table that was measured with another number of steps; halves go to the even entry. */
export function resampled(table: readonly number[], steps: number): readonly number[] {
  if (table.length === steps) return table;
  const scale = steps > 1 ? (table.length - 1) / (steps - 1) : 0;
  return Array.from({ length: steps }, (_, step) => {
    // One step alone takes the end of the table.
    const place = steps > 1 ? step * scale : table.length - 1;
    const down = Math.floor(place);
    const up = place - down > 0.5 || (place - down === 0.5 && down % 2 === 1);
    return table[up ? down + 1 : down] ?? 1;
  });
}

/**
 * The profile's ratios of each branch; `uncond` takes those of `cond` where it has none.
 * @throws MixcacheError `profile_missing`
 */
export function profileRatios(
  { profile }: PolicyContext,
  instead: string,
): (branch: Branch) => readonly number[] {
  const { cond, uncond = cond } = profile?.magnitude_ratios ?? {};
  if (!cond || !uncond) {
    throw new MixcacheError(
      "profile_missing",
      `MagCache's rule needs the magnitude ratios of this model with these settings. Measure them with mixcache calibrate, or ${instead}.`,
    );
  }
  return (branch) => (branch === "cond" ? cond : uncond);
}

/** The published pairs of threshold and skips, (0.12, 2) and (0.24, 6), joined by a line; never below 2. */
function skipsFor(threshold: number): number {
  return Math.max(2, Math.round(2 + (threshold - 0.12) / 0.03));
}

const table = z.array(z.number().positive()).min(1);

const options = z.strictObject({
  threshold: z.number().positive().default(0.12),
  max_skip_steps: z.int().positive().optional(),
  retention_ratio: z.number().min(0).max(1).default(0.2),
  mag_ratios: z.strictObject({ cond: table, uncond: table.optional() }).optional(),
  force_last: z.boolean().default(true),
});

/**
 * Published: thresholds 0.06, 0.12 and 0.24 with 2 or 3, 2 or 4, and 6 skips. Retention counts from the first step of
 * each denoiser. The original computes no last step by force; `force_last: false` is the original.
 */
export const magcache = definePolicy({
  name: "magcache",
  title: "MagCache",
  source: "arXiv 2506.09045",
  options,
  assistable: true,
  dial: { option: "threshold", slow: 0.005, fast: 0.6, scale: "logarithmic" },
  create: ({ threshold, max_skip_steps, retention_ratio, mag_ratios, force_last }, context): CachePolicy => {
    const { cond, uncond = cond } = mag_ratios ?? {};
    const explicit = cond && uncond && ((branch: Branch) => (branch === "cond" ? cond : uncond));
    const ratios = explicit ?? profileRatios(context, "give cache.mag_ratios");
    return {
      name: "magcache",
      requires: { keep: [{ part: STACK, depth: 1 }], signals: [], cuts: [] },
      start: (run) =>
        branchwise(run, {
          mode: "step",
          together: false,
          rule: (branch, denoiser) =>
            magnitudeRule(resampled(ratios(branch), run.steps), denoiser, {
              threshold,
              maxSkipSteps: max_skip_steps ?? skipsFor(threshold),
              retentionRatio: retention_ratio,
              lastStep: force_last ? run.steps - 1 : undefined,
            }),
        }),
    };
  },
});
