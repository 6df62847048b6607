/**
 * Deterministic DDIM (Song et al., arXiv:2010.02502, eta = 0) over a discrete variance-preserving schedule, for
 * models that predict v (Salimans & Ho, arXiv:2202.00512, appendix D).
 *
 * With abar the schedule's cumulative product of alphas, x = sqrt(abar) x_0 + sqrt(1 - abar) noise and
 * v = sqrt(abar) noise - sqrt(1 - abar) x_0. A step from level t to level s is
 *
 *     x_0 = sqrt(abar_t) x_t - sqrt(1 - abar_t) v
 *     x_s = a x_t + b x_0,    a = sqrt((1 - abar_s) / (1 - abar_t)),    b = sqrt(abar_s) - sqrt(abar_t) a
 */

import { invalid } from "../../errors.ts";
import { roundHalfEven } from "../positions.ts";
import { checkStep, checkSteps, type Scheduler, TRAIN_TIMESTEPS } from "./contract.ts";

const { fround, sqrt } = Math;

/** What a bundle says about this scheduler. */
export interface DdimOptions {
  /** Training betas: the squares of numbers spaced evenly from sqrt(beta_start) to sqrt(beta_end). */
  readonly beta_start: number;
  readonly beta_end: number;
  /** Divides the signal-to-noise ratio of every level; above 1 is noisier. */
  readonly snr_shift: number;
}

/** The numbers of one step, as they multiply float32 tensors. */
interface Coefficients {
  readonly clean: number;
  readonly prediction: number;
  readonly carry: number;
  readonly gain: number;
}

/**
 * The scheduler of CogVideoX: diffusers' `CogVideoXDDIMScheduler(beta_schedule="scaled_linear",
 * prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing",
 * set_alpha_to_one=True, snr_shift_scale=snr_shift)` over 1000 training timesteps.
 *
 * As there, a step ends `floor(1000 / steps)` timesteps below its own, which is the next step's timestep only
 * where `steps` divides 1000; the last level of `sigmas` is the one reached, above zero where rounding leaves a
 * timestep over. For 61 and some larger numbers of steps diffusers adds a step at timestep -1 (its `np.arange`
 * runs one too far); here there are as many steps as were asked for.
 */
export class Ddim implements Scheduler {
  readonly kind = "ddim";
  readonly sigmas: readonly number[];
  readonly timesteps: readonly number[];
  readonly #steps: readonly Coefficients[];

  constructor(options: DdimOptions, steps: number) {
    checkSteps(steps);
    if (steps > TRAIN_TIMESTEPS) {
      invalid("steps", `DDIM has ${TRAIN_TIMESTEPS} timesteps, so ${steps} steps are too many.`);
    }
    const alphas = cumulativeAlphas(options);
    const alphaAt = (timestep: number) => (timestep < 0 ? 1 : (alphas[timestep] ?? 1));
    const stride = Math.floor(TRAIN_TIMESTEPS / steps);
    this.timesteps = trailingTimesteps(steps);
    this.#steps = this.timesteps.map((t) => coefficients(alphaAt(t), alphaAt(t - stride)));
    const end = (this.timesteps.at(-1) ?? 0) - stride;
    this.sigmas = [...this.timesteps, end].map((t) => fround(sqrt(1 - alphaAt(t))));
  }

  step(index: number, prediction: Float32Array, latents: Float32Array): Float32Array {
    checkStep(this, index, prediction, latents);
    const at = this.#steps[index] as Coefficients;
    return latents.map(
      (x, i) => fround(at.carry * x) + fround(at.gain * cleanOf(at, x, prediction[i] as number)),
    );
  }

  clean(index: number, prediction: Float32Array, latents: Float32Array): Float32Array {
    checkStep(this, index, prediction, latents);
    const at = this.#steps[index] as Coefficients;
    return latents.map((x, i) => cleanOf(at, x, prediction[i] as number));
  }
}

/** x_0 of one element, from x and v. */
function cleanOf(at: Coefficients, x: number, v: number): number {
  return fround(fround(at.clean * x) - fround(at.prediction * v));
}

/** The step from abar `alpha` to abar `next`: in float64, rounded as torch rounds a scalar that meets a tensor. */
function coefficients(alpha: number, next: number): Coefficients {
  const carry = sqrt((1 - next) / (1 - alpha));
  return {
    clean: fround(sqrt(alpha)),
    prediction: fround(sqrt(1 - alpha)),
    carry: fround(carry),
    gain: fround(sqrt(next) - sqrt(alpha) * carry),
  };
}

/** "Trailing" spacing, in numpy's order of operations: `round(arange(1000, 0, -1000 / steps)) - 1`. */
function trailingTimesteps(steps: number): number[] {
  const spacing = TRAIN_TIMESTEPS - TRAIN_TIMESTEPS / steps - TRAIN_TIMESTEPS;
  return Array.from({ length: steps }, (_, i) => roundHalfEven(TRAIN_TIMESTEPS + i * spacing) - 1);
}

/**
 * abar for every training timestep, in float64: the cumulative product, its signal-to-noise ratio divided by
 * `snr_shift`, then sqrt(abar) stretched so that the last timestep is pure noise (Lin et al., arXiv:2305.08891,
 * algorithm 1).
 */
function cumulativeAlphas({ beta_start, beta_end, snr_shift }: DdimOptions): Float64Array {
  const [first, last] = [sqrt(beta_start), sqrt(beta_end)];
  const spacing = (last - first) / (TRAIN_TIMESTEPS - 1);
  const roots = new Float64Array(TRAIN_TIMESTEPS);
  let product = 1;
  for (let i = 0; i < TRAIN_TIMESTEPS; i++) {
    // torch's linspace counts from both ends towards the middle.
    const root = i < TRAIN_TIMESTEPS / 2 ? first + spacing * i : last - spacing * (TRAIN_TIMESTEPS - 1 - i);
    product *= 1 - root * root;
    roots[i] = sqrt(product / (snr_shift + (1 - snr_shift) * product));
  }
  const [top, bottom] = [roots[0] ?? 1, roots[TRAIN_TIMESTEPS - 1] ?? 0];
  const stretch = top / (top - bottom);
  return roots.map((root) => ((root - bottom) * stretch) ** 2);
}
