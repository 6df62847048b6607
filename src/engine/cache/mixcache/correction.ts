/**
 * Making up for predictions. At a full step the steps before it lie between two computed ones, so that their results
 * can be interpolated; what the predictions had been wrong by is added to this step's move. It costs no run of the
 * model. Only an Euler step is linear in the velocity and remembers nothing, so it is done with that scheduler only.
 * The idea is that of predictor-corrector methods (cf. UniPC, arXiv 2302.04867); to apply it to caching is ours.
 */

import type { Branch, DenoiserInfo, Prediction } from "../contract.ts";
import type { Anchors, Track } from "./anchors.ts";
import { type Coefficients, line } from "./predictor.ts";

/** A result that was predicted: of a track, with this weight in the guided velocity. */
export interface Predicted {
  readonly step: number;
  readonly track: Track;
  readonly weight: number;
  readonly coefficients: Coefficients;
}

/** One result with its weight in the guided velocity. */
export interface Weighted {
  readonly track: Track;
  readonly weight: number;
}

/** What a branch's output counts in the guided velocity: uncond + scale · (cond − uncond). */
export function weightIn(branch: Branch, { branches, guidanceScale }: DenoiserInfo): number {
  if (branches.length === 1) return 1;
  return branch === "cond" ? guidanceScale : 1 - guidanceScale;
}

/** What the guided velocity of a step is made of. */
export function weightsOf(denoiser: DenoiserInfo): readonly Weighted[] {
  return denoiser.branches.map((branch) => ({
    track: { part: { kind: "output" }, branch },
    weight: weightIn(branch, denoiser),
  }));
}

/** Results to keep of each track: the two that the predictions were made of, and this step's. */
export const CORRECTION_DEPTH = 3;

/**
 * The velocity for this step's move.
 * @param exact what the guided velocity of this step is made of; all of it was computed in this step
 * @returns undefined where nothing has to be made up for
 */
export function correction(
  step: number,
  exact: readonly Weighted[],
  predicted: readonly Predicted[],
  anchors: Anchors,
  sigmas: readonly number[],
): Prediction | undefined {
  const move = (index: number) => (sigmas[index + 1] ?? 0) - (sigmas[index] ?? 0);
  const part = trusted(step, predicted, anchors, sigmas);
  const sums = new Map<string, { track: Track; step: number; coefficient: number }>();
  const add = (track: Track, at: number, coefficient: number) => {
    const key = `${track.branch}/${track.part.kind}/${at}`;
    const sum = sums.get(key);
    if (sum) sum.coefficient += coefficient;
    else sums.set(key, { track, step: at, coefficient });
  };
  // With one branch mended and the other not, guidance would multiply what is left of their common error.
  const lost = new Set(predicted.filter((one) => !around(one, anchors)).map((one) => one.step));
  let mended = 0;
  for (const one of predicted) {
    const between = around(one, anchors);
    if (!between || lost.has(one.step)) continue;
    const share = (part * one.weight * move(one.step)) / move(step);
    for (const [anchor, coefficient] of line(...between, one.step, sigmas))
      add(one.track, anchor, share * coefficient);
    for (const [anchor, coefficient] of one.coefficients) add(one.track, anchor, -share * coefficient);
    mended++;
  }
  if (mended === 0) return undefined;
  for (const { track, weight } of exact) add(track, step, weight);
  const terms = [...sums.values()].flatMap(({ track, step: at, coefficient }) => {
    const kept = anchors.kept(track, at);
    return kept ? [{ ...kept, coefficient }] : [];
  });
  return { terms };
}

/** The computed steps before and after a predicted one, if they and those of its prediction are still kept. */
function around(
  { step, track, coefficients }: Predicted,
  anchors: Anchors,
): readonly [before: number, after: number] | undefined {
  const known = anchors.of(track);
  const before = known.find((anchor) => anchor < step);
  const after = known.findLast((anchor) => anchor > step);
  if (before === undefined || after === undefined) return undefined;
  return [...coefficients.keys()].every((anchor) => known.includes(anchor)) ? [before, after] : undefined;
}

/**
 * How much of the difference to make up for. A velocity of a flow is (x − x0)/sigma: latents that are off by e show
 * e/sigma in the velocity, which the flow itself takes back on the way to 0. Of what a full step finds wrong, that part
 * is no error of the predictions; and of what was wrong, only sigma_next/sigma would be left after this step's move.
 * And the more steps were predicted in a row, the less their interpolation is better founded than the predictions
 * were: the share that 2 / (1 + steps) leaves costs a little where few are, and saves the prompts that go astray where
 * many are.
 */
function trusted(
  step: number,
  predicted: readonly Predicted[],
  anchors: Anchors,
  sigmas: readonly number[],
): number {
  const at = (index: number) => sigmas[index] ?? 0;
  let drift = 0;
  const steps = new Set(predicted.map(({ step: index }) => index));
  for (const past of steps) {
    const [first] = predicted.filter(({ step: index }) => index === past);
    const before = first && anchors.of(first.track).find((anchor) => anchor < past);
    if (before === undefined) continue;
    const along = (at(before) - at(past)) / (at(before) - at(step));
    drift += (at(past) - at(past + 1)) * along;
  }
  return ((2 / (1 + steps.size)) * at(step + 1)) / (at(step) + drift);
}
