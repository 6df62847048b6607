/**
 * A warm cache profile: what policies need to know of a bundle, measured once on a set of prompts by
 * `mixcache calibrate`, for one scheduler, number of steps, shape and guidance.
 */

import { z } from "zod";
import type { Settings } from "../settings.ts";

export const PROFILE_FORMAT = "mixcache.profile/1";

/** One number for each step. */
export const perStep = z.array(z.number());
/** null at steps for which there is nothing to compare with: the first ones of a run and of each denoiser. */
export const perStepOrNull = z.array(z.number().nullable());

/** How what was measured spreads over the prompts, for each step. */
const quantiles = z.strictObject({ p10: perStepOrNull, p50: perStepOrNull, p90: perStepOrNull });

/**
 * By what is reused: `step` the whole output, `cfg` the difference that guidance makes, `block` the residual of the
 * blocks of `block_range`. What a model lacks is absent: `cfg` without classifier-free guidance, `block` without cuts.
 */
export const granular = <T extends z.ZodType>(value: T) =>
  z.strictObject({ step: value.optional(), cfg: value.optional(), block: value.optional() });

/** [lag − 1][step] */
export const lagged = z.array(perStepOrNull);

/** A value for some steps. */
export const probed = z.strictObject({ steps: z.array(z.int().nonnegative()), values: perStep });

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
   * steps a and a + k + 1, over the latter. The base of schedules that are best in hindsight. A row ends with the
   * denoiser, and with the longest leap that was measured (12 by default): a schedule that leaps further is not known.
   */
  reuse_costs: z.array(perStep),
  /** The blocks, from the first up to the second cut, that `block` is about. */
  block_range: z.tuple([z.int().nonnegative(), z.int().positive()]).optional(),
  /**
   * [lag − 1][step]: mean over prompts and branches of the relative L1 distance, over the exact value, between it and a
   * line in the noise level through the steps `step − lag` and `step − 2·lag` (or the denoiser's first step, where it
   * is not so old). Lags from 1 up to 6.
   */
  deviations: granular(lagged),
  /** The same of the value of `step − lag` as it is, which is all that plain reuse knows. */
  held_deviations: granular(lagged),
  /** The deviations of `step` at lag 1. */
  deviation_quantiles: quantiles,
  /** Relative L1 distance of the conditional output from that of the step before, over the latter. */
  changes: quantiles,
  /**
   * What an error costs: mean over prompts of the relative L2 distance of the final latents from those of the clean
   * run, over the relative size of a Gaussian disturbance of this part at this one step. Empty where not measured.
   */
  impacts: granular(probed),
});

export type Profile = z.infer<typeof profileSchema>;
export type ProfileKey = z.infer<typeof keySchema>;

/** What there is for a run's settings. */
export interface FoundProfile {
  readonly profile?: Profile;
  /** SHA-256 of the profile's file; results are of it. */
  readonly digest?: string;
  /** Why a profile that should have been used was not. */
  readonly notices: readonly string[];
}

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

/** The name that a profile of these settings has in every folder and store: `<bundle digest>/<settings>.json`. */
export function profileName(key: ProfileKey): string {
  const { bundle, scheduler, steps, width, height, frames, guidance_scales } = key;
  const guidance = Object.values(guidance_scales).join("-");
  return `${bundle}/${scheduler}-${steps}-${width}x${height}x${frames}-g${guidance}.json`;
}
