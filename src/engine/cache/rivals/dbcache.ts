/** Dual Block Cache of cache-dit: first blocks that decide, last blocks that always run, rules around them. */

import { z } from "zod";
import { invalid } from "../../../errors.ts";
import { sharedCutsOf } from "../../cuts.ts";
import { definePolicy, type PolicyContext } from "../definition.ts";
import { ofFifty } from "./branchwise.ts";
import { dualBlock } from "./dual-block.ts";
import { lastCut, probeCut } from "./first-blocks.ts";

const options = z.strictObject({
  threshold: z.number().positive().default(0.08),
  fn_compute_blocks: z.int().positive().optional(),
  bn_compute_blocks: z.int().min(0).default(0),
  max_warmup_steps: z.int().min(0).optional(),
  warmup_interval: z.int().positive().default(1),
  max_cached_steps: z.int().min(0).optional(),
  max_continuous_cached_steps: z.int().min(0).optional(),
  taylor: z.literal([0, 1]).default(0),
  per_branch: z.boolean().default(true),
});

/**
 * Published: F8 B0, threshold 0.08, 8 warm-up steps, no limits; SGLang F1 B0, 0.24, 4 warm-up steps, at most 3 in a
 * row. Here the 8 warm-up steps are of 50, and of a small model at most a third of its blocks decide. `taylor: 1` is
 * cache-dit's TaylorSeer calibrator of the first order. Of a step, cache-dit's rules are asked in its order: warm-up,
 * all cached steps, those in a row, the threshold.
 */
export const dbcache = definePolicy({
  name: "dbcache",
  title: "DBCache",
  source: "cache-dit",
  options,
  assistable: true,
  dial: { option: "threshold", slow: 0.02, fast: 0.6, scale: "logarithmic" },
  create: (given, context) => {
    const front = probeCut("cache.fn_compute_blocks", given.fn_compute_blocks, 8, context);
    return dualBlock({
      name: "dbcache",
      middle: [front, backCut(front, given.bn_compute_blocks, context)],
      threshold: given.threshold,
      warmupSteps: given.max_warmup_steps ?? ofFifty(8, context.settings.steps),
      warmupInterval: given.warmup_interval,
      maxCachedSteps: given.max_cached_steps ?? Number.POSITIVE_INFINITY,
      maxContinuousCachedSteps: given.max_continuous_cached_steps ?? Number.POSITIVE_INFINITY,
      taylorOrder: given.taylor,
      perBranch: given.per_branch,
    });
  },
});

/** The cut before the last blocks. */
function backCut(front: number, blocksAfter: number, context: PolicyContext): number {
  const last = lastCut(context);
  const possible = sharedCutsOf(context.manifest).filter((cut) => cut > front);
  const found = possible.find((cut) => cut === last - blocksAfter);
  return (
    found ??
    invalid(
      "cache.bn_compute_blocks",
      `cache.bn_compute_blocks is ${blocksAfter}; behind the first ${front} blocks ${context.manifest.title} leaves a choice of ${possible.map((cut) => last - cut).join(", ")}. Choose one of these.`,
    )
  );
}
