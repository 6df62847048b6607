/** What calibration learns from one prompt: the parts that a profile is put together from. */

import { z } from "zod";
import { granular, lagged, perStep, perStepOrNull, probed } from "../cache/profile.ts";

export const MEASURED_FORMAT = "mixcache.measured/1";

/** Of one branch. Steps that a branch does not run have null, or an empty row. */
const ofBranch = z.strictObject({
  /** Mean over tokens of the norm of the stack residual over that of the step before; 1 at a denoiser's first step. */
  magnitude_ratios: perStep,
  /** Relative L1 distance of the stack residual from that of the step before, over the latter. */
  stack_changes: perStepOrNull,
  /** The same of every signal. */
  signal_changes: z.record(z.string(), perStepOrNull),
  /** As the profile has them. */
  reuse_costs: z.array(perStep),
});

/** Everything else is as the profile has it. */
export const measuredSchema = z.strictObject({
  format: z.literal(MEASURED_FORMAT),
  branches: z.partialRecord(z.enum(["cond", "uncond"]), ofBranch),
  block_range: z.tuple([z.int(), z.int()]).optional(),
  deviations: granular(lagged),
  held_deviations: granular(lagged),
  changes: perStepOrNull,
  impacts: granular(probed),
});

export type Measured = z.infer<typeof measuredSchema>;
export type MeasuredBranch = z.infer<typeof ofBranch>;
