/**
 * A warm cache profile: what policies need to know of a bundle, measured once on a set of prompts by
 * `mixcache calibrate`, for one scheduler, number of steps, shape and guidance.
 */

import { z } from "zod";
import type { Settings } from "../settings.ts";

export const PROFILE_FORMAT = "mixcache.profile/1";

const perStep = z.array(z.number());

/** The settings that the measurements hold for; a run with others is refused. */
const keySchema = z.strictObject({
  /** Digest of the bundle. */
  bundle: z.string(),
  scheduler: z.string(),
  steps: z.int().positive(),
  width: z.int().positive(),
  height: z.int().positive(),
  frames: z.int().positive(),
  /** By denoiser. */
  guidance_scales: z.record(z.string(), z.number()),
});

export const profileSchema = z.strictObject({
  format: z.literal(PROFILE_FORMAT),
  key: keySchema,
  /** On how many prompts it was measured, and a digest of them and their seeds. */
  prompts: z.strictObject({ count: z.int().positive(), digest: z.string() }),
  /**
   * Of each branch: mean over prompts and tokens of the norm of the stack residual over that of the step before; 1 at
   * the first step of a denoiser (MagCache's table).
   */
  magnitude_ratios: z.partialRecord(z.enum(["cond", "uncond"]), perStep),
  /**
   * By signal of the bundle: TeaCache's polynomial from the relative change of the signal to that of the stack
   * residual, highest power first; the range of the signal's change that it was fitted on; how well it fits.
   */
  polynomials: z.record(
    z.string(),
    z.strictObject({
      coefficients: z.array(z.number()).length(5),
      range: z.tuple([z.number(), z.number()]),
      r2: z.number(),
    }),
  ),
  /**
   * reuse_costs[a][k]: mean over prompts and branches of the relative L1 distance between the stack residuals of the
   * steps a and a + k + 1. The base of schedules that are best in hindsight. Short rows end with the denoiser.
   */
  reuse_costs: z.array(perStep),
});

export type Profile = z.infer<typeof profileSchema>;
export type ProfileKey = z.infer<typeof keySchema>;

/** The key of a run's settings. */
export function profileKey(bundleDigest: string, settings: Settings): ProfileKey {
  const { scheduler, steps, shape, guidanceScales } = settings;
  const { width, height, frames } = shape;
  return {
    bundle: bundleDigest,
    scheduler: scheduler.kind,
    steps,
    width,
    height,
    frames,
    guidance_scales: { ...guidanceScales },
  };
}
