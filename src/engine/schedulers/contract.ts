/** What every scheduler promises, and the checks that hold its callers to it. */

import { invalid, MixcacheError } from "../../errors.ts";

/**
 * Turns a model's predictions into a path from noise to a clean sample.
 *
 * The noise level sigma, the standard deviation of the noise in x, runs from 1 (noise) to 0 (clean). What the
 * model predicts is a velocity, of one of two paths:
 *
 * - flow matching, x = (1 - sigma) x_0 + sigma noise: dx/dsigma = noise - x_0 (rectified flow: Liu et al.,
 *   arXiv:2209.03003; flow matching: Lipman et al., arXiv:2210.02747);
 * - variance preserving, x = sqrt(1 - sigma^2) x_0 + sigma noise: v = sqrt(1 - sigma^2) noise - sigma x_0, the
 *   derivative by the angle asin(sigma) (v-prediction: Salimans & Ho, arXiv:2202.00512).
 *
 * The scheduler alone knows which; loop, caches and policies only add and scale predictions of one run. One
 * scheduler serves one run; make another for another run.
 */
export interface Scheduler {
  readonly kind: string;
  /** Noise levels, float32 values; steps + 1 of them, the last is where the run ends. */
  readonly sigmas: readonly number[];
  /**
   * What models of this family are told at each step, one per step, 0 to 1000. For flow matching it is sigma *
   * 1000 as diffusers gives it: a float32 value for Euler, a whole number for UniPC. For DDIM it is the place in
   * the discrete schedule, which sigma follows but is not proportional to.
   */
  readonly timesteps: readonly number[];
  /**
   * Moves latents one step, from `sigmas[index]` to `sigmas[index + 1]`; both arrays have the latents' layout,
   * which is not looked at. The arguments are neither changed nor kept, and the result is a new array; what a
   * multistep scheduler keeps for the run is its own copy.
   */
  step(index: number, velocity: Float32Array, latents: Float32Array): Float32Array;
  /**
   * The clean sample x_0 that the velocity points to from the latents at `sigmas[index]`. It changes nothing: a run in
   * which it was asked for goes on as one in which it was not.
   */
  clean(index: number, velocity: Float32Array, latents: Float32Array): Float32Array;
}

/** x_0 = x - sigma v on a flow's path; every product is rounded before the sum, as torch does it. */
export function cleanOfFlow(sigma: number, velocity: Float32Array, latents: Float32Array): Float32Array {
  return latents.map((x, i) => x - Math.fround(sigma * (velocity[i] as number)));
}

/** Training timesteps of every supported family: noise level 1 is timestep 1000. */
export const TRAIN_TIMESTEPS = 1000;

/** Refuses a number of steps that is no positive whole number; `steps` is a field of the request. */
export function checkSteps(steps: number): void {
  if (!Number.isSafeInteger(steps) || steps < 1) {
    invalid("steps", `The number of steps must be a whole number of at least 1, not ${steps}.`);
  }
}

/**
 * Refuses a step outside the run and arrays of different lengths. JavaScript reads past the end of an array
 * without complaint, so that a wrong shape would otherwise become NaN pixels.
 */
export function checkStep(
  { kind, timesteps }: Scheduler,
  index: number,
  velocity: Float32Array,
  latents: Float32Array,
): void {
  if (!Number.isSafeInteger(index) || index < 0 || index >= timesteps.length) {
    throw new MixcacheError(
      "engine_failed",
      `The ${kind} scheduler was asked for step ${index} of a run with ${timesteps.length} steps.`,
    );
  }
  if (velocity.length !== latents.length) {
    throw new MixcacheError(
      "engine_failed",
      `The velocity has ${velocity.length} elements but the latents have ${latents.length}; they must match.`,
    );
  }
}
