/**
 * UniPC: a multistep predictor with a corrector that costs no further call of the model (Zhao et al.,
 * arXiv:2302.04867), in the form that Wan uses.
 *
 * With alpha = 1 - sigma and lambda = log(alpha / sigma), the flow from level s to level t is
 *
 *     x_t = (sigma_t / sigma_s) x_s - alpha_t (e^-h - 1) (m_s + residual),    h = lambda_t - lambda_s
 *
 * where m is the model's prediction of the clean sample, and the residual stands for how m changes on the way.
 * The predictor takes the residual from the step before; once the model has been called at t, the corrector
 * makes the same step again with a residual that knows m_t. All numbers are rounded to float32 where torch does
 * it, since diffusers keeps even the scalars in float32 tensors.
 */

import { invalid, MixcacheError } from "../../errors.ts";
import { checkStep, checkSteps, cleanOfFlow, type Scheduler, TRAIN_TIMESTEPS } from "./contract.ts";
import { shifted } from "./flow-match-euler.ts";

const { fround } = Math;

/** What a bundle says about this scheduler. */
export interface UniPCOptions {
  /** Above 1 spends more of the steps at high noise; 1 spaces them evenly. */
  readonly shift: number;
  /** Predictions of the clean sample that the predictor looks at. */
  readonly order: 1 | 2;
}

/** The numbers of one step of the formula above: x_t = carry x_s - gain (m_s + residual). */
interface Interval {
  readonly carry: number;
  readonly gain: number;
  /** The step in lambda; infinite for the step to sigma = 0. */
  readonly h: number;
}

/**
 * The scheduler of Wan 2.1 and 2.2: diffusers' `UniPCMultistepScheduler(prediction_type="flow_prediction",
 * use_flow_sigmas=True, flow_shift=shift, solver_order=order)` with its defaults otherwise (B(h) = e^-h - 1, in
 * diffusers "bh2"; clean-sample prediction; lower order at the end; last sigma zero).
 *
 * Steps must be taken in order, each once: the scheduler keeps the predictions and the sample of the last ones.
 */
export class UniPC implements Scheduler {
  readonly kind = "unipc";
  readonly sigmas: readonly number[];
  readonly timesteps: readonly number[];
  readonly #order: number;
  /** Predictions of the clean sample at the steps done, newest first, `#order` of them at the most. */
  #predictions: readonly Float32Array[] = [];
  /** The corrected sample from which the newest step started. */
  #start: Float32Array = new Float32Array(0);
  #next = 0;

  constructor({ shift, order }: UniPCOptions, steps: number) {
    checkSteps(steps);
    const levels = noiseLevels(shift, steps);
    this.sigmas = [...levels.map(fround), 0];
    // diffusers makes integers of them by dropping the fraction, before the levels are rounded to float32.
    this.timesteps = levels.map((sigma) => Math.trunc(sigma * TRAIN_TIMESTEPS));
    this.#order = order;
    const stuck = this.sigmas.findIndex((sigma, i) => i > 0 && sigma >= this.#sigma(i - 1));
    if (stuck !== -1) {
      invalid(
        "steps",
        `With a shift of ${shift}, ${steps} steps are too many for UniPC: steps ${stuck} and ${stuck + 1} would ` +
          "have the same noise level. Ask for fewer steps.",
      );
    }
  }

  step(index: number, velocity: Float32Array, latents: Float32Array): Float32Array {
    checkStep(this, index, velocity, latents);
    this.#checkSequence(index, latents.length);
    const prediction = this.clean(index, velocity, latents);
    // The first step has nothing to correct; the copy keeps the caller free to reuse the array.
    const start = index === 0 ? latents.slice() : this.#correct(index, prediction);
    this.#predictions = [prediction, ...this.#predictions].slice(0, this.#order);
    this.#start = start;
    this.#next = index + 1;
    return this.#predict(index);
  }

  clean(index: number, velocity: Float32Array, latents: Float32Array): Float32Array {
    checkStep(this, index, velocity, latents);
    return cleanOfFlow(this.#sigma(index), velocity, latents);
  }

  /** UniP: from the level of `index` to the next, out of predictions at this level and before. */
  #predict(index: number): Float32Array {
    const interval = this.#interval(index);
    const [current, older] = this.#predictions;
    if (current === undefined) throw historyMissing();
    if (this.#orderAt(index) === 1) return advance(interval, this.#start, current);
    if (older === undefined) throw historyMissing();
    const ratio = this.#ratio(index, interval.h);
    // One half, as diffusers has it, where the corrector solves for its weights: the difference is of higher order.
    const residual = slope(older, current, ratio).map((d) => 0.5 * d);
    return advance(interval, this.#start, current, residual);
  }

  /** UniC: the step that led to `index` once more, now that the prediction at its end is known. */
  #correct(index: number, end: Float32Array): Float32Array {
    const interval = this.#interval(index - 1);
    const [current, older] = this.#predictions;
    if (current === undefined) throw historyMissing();
    const gained = end.map((m, i) => m - (current[i] as number));
    if (this.#orderAt(index - 1) === 1) {
      return advance(
        interval,
        this.#start,
        current,
        gained.map((d) => 0.5 * d),
      );
    }
    if (older === undefined) throw historyMissing();
    const ratio = this.#ratio(index - 1, interval.h);
    const [past, present] = correctorWeights(interval.h, ratio);
    const before = slope(older, current, ratio);
    const residual = gained.map((d, i) => fround(past * (before[i] as number)) + fround(present * d));
    return advance(interval, this.#start, current, residual);
  }

  #sigma(index: number): number {
    return this.sigmas[index] as number;
  }

  /**
   * The order of the step from `index`: it grows with the history at the start of a run, and the last step is
   * of first order, since lambda is infinite at its end and no finite difference in lambda means anything there.
   */
  #orderAt(index: number): number {
    return Math.min(this.#order, index + 1, this.timesteps.length - index);
  }

  #interval(index: number): Interval {
    const [from, to] = [this.#sigma(index), this.#sigma(index + 1)];
    const h = fround(logSnr(to) - logSnr(from));
    return { carry: fround(to / from), gain: fround(fround(1 - to) * fround(Math.expm1(-h))), h };
  }

  /** Where the prediction before `index` lies, in units of the step from `index`: negative. */
  #ratio(index: number, h: number): number {
    return fround(fround(logSnr(this.#sigma(index - 1)) - logSnr(this.#sigma(index))) / h);
  }

  #checkSequence(index: number, size: number): void {
    if (index !== this.#next) {
      throw new MixcacheError(
        "engine_failed",
        `UniPC steps depend on those before: step ${index} was asked for where step ${this.#next} of ` +
          `${this.timesteps.length} comes next. A new run needs a new scheduler.`,
      );
    }
    if (index > 0 && size !== this.#start.length) {
      throw new MixcacheError(
        "engine_failed",
        `The latents have ${size} elements but had ${this.#start.length} in the step before; a run keeps its shape.`,
      );
    }
  }
}

/** The noise levels of the steps in float64, without the zero at the end: numpy's linspace, shifted. */
function noiseLevels(shift: number, steps: number): number[] {
  const spacing = (1 / TRAIN_TIMESTEPS - 1) / steps;
  const levels = Array.from({ length: steps }, (_, i) => shifted(i * spacing + 1, shift));
  // Pure noise has alpha = 0, whose logarithm is infinite.
  return levels.map((sigma, i) => (i === 0 && Math.abs(sigma - 1) < 1e-6 ? sigma - 1e-6 : sigma));
}

/** lambda = log(alpha / sigma), half the logarithm of the signal-to-noise ratio; infinite at sigma = 0. */
function logSnr(sigma: number): number {
  return fround(fround(Math.log(fround(1 - sigma))) - fround(Math.log(sigma)));
}

/** The divided difference of predictions: from `current` towards `older`, `ratio` steps away. */
function slope(older: Float32Array, current: Float32Array, ratio: number): Float32Array {
  return older.map((m, i) => fround(m - (current[i] as number)) / ratio);
}

/** x_t = carry x_s - gain m_s - gain residual, elementwise. */
function advance(
  { carry, gain }: Interval,
  start: Float32Array,
  prediction: Float32Array,
  residual?: Float32Array,
): Float32Array {
  const linear = start.map((x, i) => fround(carry * x) - fround(gain * (prediction[i] as number)));
  return residual === undefined ? linear : linear.map((x, i) => x - fround(gain * (residual[i] as number)));
}

/**
 * The weights of the older difference and of the newest one in the second-order corrector: the solution of
 *
 *     older         +  newest  =  b1,     b1 = (phi / B),        phi  = (e^-h - 1) / -h - 1
 *     older * ratio +  newest  =  b2,     b2 = 2 (phi' / B),     phi' = phi / -h - 1/2,      B = e^-h - 1
 *
 * eliminated in the order in which LAPACK does it for torch.linalg.solve, so that the roundings agree.
 */
function correctorWeights(h: number, ratio: number): [older: number, newest: number] {
  const base = fround(Math.expm1(-h));
  const phi = fround(fround(base / -h) - 1);
  const b1 = fround(phi / base);
  const b2 = fround(fround(fround(fround(phi / -h) - 0.5) * 2) / base);
  const newest = fround(fround(b2 - fround(ratio * b1)) / fround(1 - ratio));
  return [fround(b1 - newest), newest];
}

/** Cannot happen while steps are taken in order, which `step` makes sure of. */
function historyMissing(): MixcacheError {
  return new MixcacheError("engine_failed", "UniPC has lost the predictions of the steps before.");
}
