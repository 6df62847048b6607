/** Euler's method on the probability flow of a flow-matching model. */

import { checkStep, checkSteps, cleanOfFlow, type Scheduler, TRAIN_TIMESTEPS } from "./contract.ts";

/** What a bundle says about this scheduler. */
export interface FlowMatchEulerOptions {
  /** Above 1 spends more of the steps at high noise; 1 spaces them evenly. */
  readonly shift: number;
}

/**
 * The noise level that `shift` moves `level` to, in float64: shift u / (1 + (shift - 1) u), which fixes 0 and 1
 * (Esser et al., arXiv:2403.03206).
 */
export function shifted(level: number, shift: number): number {
  return (shift * level) / (1 + (shift - 1) * level);
}

/** The same with every operation in float32, as diffusers' Euler scheduler computes it. */
function shiftedFloat32(level: number, shift: number): number {
  const u = Math.fround(level);
  return Math.fround(Math.fround(shift * u) / Math.fround(1 + Math.fround((shift - 1) * u)));
}

/**
 * First-order flow matching, as diffusers' `FlowMatchEulerDiscreteScheduler(shift=...)` does it when a pipeline
 * gives it `sigmas=np.linspace(1, 0, steps + 1)[:-1]`, as HunyuanVideo's does. Its default spacing, which ends
 * at the shifted 1/1000, is another one.
 */
export class FlowMatchEuler implements Scheduler {
  readonly kind = "flow_match_euler";
  readonly sigmas: readonly number[];
  readonly timesteps: readonly number[];

  constructor({ shift }: FlowMatchEulerOptions, steps: number) {
    checkSteps(steps);
    const interior = Array.from({ length: steps }, (_, i) => shiftedFloat32(1 - i * (1 / steps), shift));
    this.sigmas = [...interior, 0];
    this.timesteps = interior.map((sigma) => Math.fround(sigma * TRAIN_TIMESTEPS));
  }

  step(index: number, velocity: Float32Array, latents: Float32Array): Float32Array {
    checkStep(this, index, velocity, latents);
    const change = Math.fround((this.sigmas[index + 1] as number) - (this.sigmas[index] as number));
    // The product is rounded before the sum, as torch does it: without that, the result is a fused multiply-add.
    // A loop, as a call for every element would cost more than a prediction does.
    const next = new Float32Array(latents.length);
    for (let i = 0; i < next.length; i++)
      next[i] = (latents[i] as number) + Math.fround(change * (velocity[i] as number));
    return next;
  }

  clean(index: number, velocity: Float32Array, latents: Float32Array): Float32Array {
    checkStep(this, index, velocity, latents);
    return cleanOfFlow(this.sigmas[index] as number, velocity, latents);
  }
}
