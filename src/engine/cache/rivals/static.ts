/** A schedule that is known before the run: the same steps are computed for every prompt. */

import { z } from "zod";
import { invalid, MixcacheError } from "../../../errors.ts";
import { bestSchedule } from "../best-schedule.ts";
import type { CachePolicy, ReusablePart, RunInfo } from "../contract.ts";
import { definePolicy, type PolicyContext } from "../definition.ts";
import { again, branchwise, COMPUTE, type Rule } from "./branchwise.ts";
import { magnitudeRule, profileRatios } from "./magcache.ts";

const STACK: ReusablePart = { kind: "stack" };

/** MagCache's published settings: threshold, longest skip and retention, as its presets spell them. */
const PRESETS = {
  e06k2r02: { threshold: 0.06, maxSkipSteps: 2, retentionRatio: 0.2 },
  e12k2r02: { threshold: 0.12, maxSkipSteps: 2, retentionRatio: 0.2 },
  e12k4r02: { threshold: 0.12, maxSkipSteps: 4, retentionRatio: 0.2 },
  e24k6r02: { threshold: 0.24, maxSkipSteps: 6, retentionRatio: 0.2 },
} as const;

const options = z
  .strictObject({
    mask: z.string().regex(/^1[01]*$/, "must be made of 1 (computed) and 0 (reused) and begin with 1"),
    preset: z.enum(["e06k2r02", "e12k2r02", "e12k4r02", "e24k6r02"]),
    full_steps: z.int().positive(),
    speed: z.number().min(1),
  })
  .partial()
  .refine(
    (given) => Object.keys(given).length === 1,
    "give exactly one of mask, preset, full_steps and speed",
  );

type Options = z.infer<typeof options>;

/** The rule of each step, made when the run is known. */
type Schedule = (run: RunInfo) => (denoiser: RunInfo["denoisers"][number]) => Rule;

/**
 * - `mask`: one digit for each step, 1 computed and 0 reused;
 * - `preset`: MagCache's rule with its published settings and this model's ratios of `cond`, for both branches;
 * - `full_steps`: the schedule with so many computed steps that is best in hindsight (GCache's inner problem on the
 *   profile's `reuse_costs`); `speed`: the same with steps / speed, rounded.
 * The last step is computed whatever the mask says, as is the first of every denoiser.
 */
export const fixedSchedule = definePolicy({
  name: "static",
  title: "Static schedule",
  source: "LeMiCa; DPCache, arXiv 2602.22654; GCache; MagCache's presets, arXiv 2506.09045",
  options,
  assistable: true,
  dial: { option: "speed", slow: 1.1, fast: 4, scale: "logarithmic" },
  create: (given, context): CachePolicy => {
    const schedule = scheduleOf(given, context);
    return {
      name: "static",
      requires: { keep: [{ part: STACK, depth: 1 }], signals: [], cuts: [] },
      start: (run) => {
        const rule = schedule(run);
        return branchwise(run, { mode: "step", together: true, rule: (_, denoiser) => rule(denoiser) });
      },
    };
  },
});

function scheduleOf({ mask, preset, full_steps, speed }: Options, context: PolicyContext): Schedule {
  if (preset) {
    const ratios = profileRatios(context, "give cache.mask")("cond");
    return ({ steps }) =>
      (denoiser) =>
        magnitudeRule(ratios, denoiser, { ...PRESETS[preset], lastStep: steps - 1 });
  }
  const full = mask === undefined ? best(full_steps, speed, context) : digits(mask, context);
  return ({ steps }) =>
    () =>
    (step) =>
      full[step] || step === steps - 1 ? COMPUTE : { reuse: again(STACK) };
}

function digits(mask: string, { settings: { steps } }: PolicyContext): readonly boolean[] {
  if (mask.length !== steps) {
    invalid(
      "cache.mask",
      `cache.mask has ${mask.length} digits and the video ${steps} steps. Give one digit for each step.`,
    );
  }
  return [...mask].map((digit) => digit === "1");
}

function best(
  fullSteps: number | undefined,
  speed: number | undefined,
  { profile, settings: { steps } }: PolicyContext,
): readonly boolean[] {
  if (!profile) {
    throw new MixcacheError(
      "profile_missing",
      "The best schedule needs to know what reuse costs in this model with these settings. Measure it with mixcache calibrate, or give cache.mask.",
    );
  }
  const { reuse_costs } = profile;
  // The fewest possible: the first step of every denoiser, and the last step.
  let fewest = 1;
  while (fewest <= steps && !bestSchedule(reuse_costs, steps, fewest)) fewest++;
  const wanted = fullSteps ?? Math.max(fewest, Math.round(steps / (speed ?? 1)));
  return (
    bestSchedule(reuse_costs, steps, wanted) ??
    invalid(
      "cache.full_steps",
      `cache.full_steps is ${wanted}; for ${steps} steps it must be a whole number from ${fewest} to ${steps}.`,
    )
  );
}
