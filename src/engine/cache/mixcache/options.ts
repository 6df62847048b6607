/** What a caller may say about MixCache. */

import { z } from "zod";
import { GRANULARITIES } from "./granularity.ts";

/** Words for speedups of the denoiser; docs/caching.md has what they were measured to cost. */
export const PRESETS = {
  "visually-lossless": 1.5,
  high: 1.8,
  balanced: 2.2,
  fast: 2.6,
  turbo: 3,
} as const;

export type Preset = keyof typeof PRESETS;

const presetNames = Object.keys(PRESETS) as [Preset, ...Preset[]];

/**
 * - `speed`: how many times less the denoiser computes; `preset`: a word for one; `quality`: instead of either, κ of the
 *   feedback interval, which finds its own speed;
 * - the rest swaps parts, for those who study them.
 */
export const mixcacheOptions = z
  .strictObject({
    speed: z.number().min(1, "must be at least 1").max(6, "must be at most 6").optional(),
    preset: z.enum(presetNames).optional(),
    quality: z.number().positive().optional(),
    granularities: z
      .array(z.enum(GRANULARITIES as [(typeof GRANULARITIES)[number], ...(typeof GRANULARITIES)[number][]]))
      .min(1)
      .optional(),
    predictor: z.enum(["reuse", "linear", "velocity"]).default("linear"),
    correction: z.boolean().default(true),
    decision: z.enum(["penalty", "cost_aware"]).default("cost_aware"),
    repeat_penalty: z.number().min(1).default(1),
    /** Whether the profile is used where there is one. */
    calibrated: z.boolean().default(true),
    /** Whether what this prompt has shown moves the full steps; without it every prompt has the typical one's. */
    adaptive: z.boolean().default(true),
    /** Whether caching waits until this prompt's output has settled; without it the budget alone decides. */
    trigger: z.boolean().default(true),
    /** Relative L1 change of the output below which it has settled; by default the profile's. */
    trigger_change: z.number().positive().optional(),
  })
  .refine(
    ({ speed, preset, quality }) =>
      [speed, preset, quality].filter((given) => given !== undefined).length <= 1,
    "give one of speed, preset and quality, not several",
  );

export type MixcacheOptions = z.infer<typeof mixcacheOptions>;

/** The wanted speedup, or undefined where the feedback interval decides. */
export function wantedSpeed({ speed, preset, quality }: MixcacheOptions): number | undefined {
  if (quality !== undefined) return undefined;
  return speed ?? PRESETS[preset ?? "high"];
}
