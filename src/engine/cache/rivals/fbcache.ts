/** First Block Cache, as in ParaAttention and diffusers: the first block decides for all the others. */

import { z } from "zod";
import { definePolicy } from "../definition.ts";
import { dualBlock } from "./dual-block.ts";
import { lastCut, probeCut } from "./first-blocks.ts";

const options = z.strictObject({
  threshold: z.number().positive().default(0.05),
  per_branch: z.boolean().default(true),
});

/**
 * Published thresholds: 0.05 (the default of diffusers), 0.06 for HunyuanVideo. No warm-up, no limit. Where the bundle
 * has no cut after its first block, the first cut takes its place.
 */
export const fbcache = definePolicy({
  name: "fbcache",
  title: "First Block Cache",
  source: "ParaAttention; diffusers' FirstBlockCache",
  options,
  assistable: true,
  dial: { option: "threshold", slow: 0.02, fast: 0.6, scale: "logarithmic" },
  create: ({ threshold, per_branch }, context) =>
    dualBlock({
      name: "fbcache",
      middle: [probeCut("cache", undefined, 1, context), lastCut(context)],
      threshold,
      warmupSteps: 0,
      warmupInterval: 1,
      maxCachedSteps: Number.POSITIVE_INFINITY,
      maxContinuousCachedSteps: Number.POSITIVE_INFINITY,
      taylorOrder: 0,
      perBranch: per_branch,
    }),
});
