/**
 * The rule that FBCache and DBCache share: run the first blocks; if their residual is close to that of the last
 * computed step, the middle blocks are not run but their kept residual, or its extrapolation, is taken; the last
 * blocks run in any case.
 */

import type { Branch, BranchPlan, CachePolicy, Measurement, RunInfo } from "../contract.ts";
import { branchwise, COMPUTE, marginOf, type Rule, type Verdict } from "./branchwise.ts";
import { blocks } from "./first-blocks.ts";
import { taylorCoefficients } from "./taylor-series.ts";

export interface DualBlock {
  readonly name: string;
  /** The middle blocks; both ends are cuts. */
  readonly middle: readonly [from: number, to: number];
  readonly threshold: number;
  /** Of a denoiser's first steps, so many are computed … */
  readonly warmupSteps: number;
  /** … or every so-manieth of them. */
  readonly warmupInterval: number;
  /** The most reused steps of a denoiser, and in a row. */
  readonly maxCachedSteps: number;
  readonly maxContinuousCachedSteps: number;
  /** 0: the kept residual as it is; 1: a line through the last two, in the step index. */
  readonly taylorOrder: 0 | 1;
  /** False: `cond` decides for both branches. */
  readonly perBranch: boolean;
}

/** The policy of these settings. */
export function dualBlock(settings: DualBlock): CachePolicy {
  const [from, to] = settings.middle;
  return {
    name: settings.name,
    requires: {
      keep: [
        { part: blocks(0, from), depth: 1 },
        { part: blocks(from, to), depth: settings.taylorOrder + 1 },
      ],
      signals: [],
      cuts: [],
    },
    start: (run: RunInfo) =>
      branchwise(run, {
        mode: "block",
        together: !settings.perBranch,
        rule: (branch, { steps: [first] }) => dualBlockRule(settings, branch, first),
      }),
  };
}

function dualBlockRule(settings: DualBlock, branch: Branch, first: number): Rule {
  const { middle, threshold, warmupSteps, warmupInterval, maxCachedSteps, maxContinuousCachedSteps } =
    settings;
  let computed: readonly number[] = [first];
  let cached = 0;
  let continuous = 0;
  const compute = (step: number): Verdict => {
    computed = [step, ...computed];
    continuous = 0;
    return COMPUTE;
  };
  return (step) => {
    const warm = step - first < warmupSteps && (step - first) % warmupInterval === 0;
    if (warm || cached >= maxCachedSteps || continuous >= maxContinuousCachedSteps) return compute(step);
    return {
      cut: middle[0],
      measure: [residualChange(branch, middle[0])],
      answer: ([difference = Number.NaN]) => {
        const judged = { values: { difference }, margin: marginOf(difference, threshold) };
        if (!(difference < threshold)) return { ...judged, ...compute(step) };
        cached += 1;
        continuous += 1;
        const weights = taylorCoefficients(computed, settings.taylorOrder, step);
        return { ...judged, reuse: (of) => reused(of, middle, weights) };
      },
    };
  };
}

/** How much the first blocks' residual differs from that of the last computed step. */
function residualChange(branch: Branch, cut: number): Measurement {
  const part = blocks(0, cut);
  return {
    kind: "relative_l1",
    a: { of: "part", part, branch },
    b: { of: "kept", part, branch, age: 0 },
  };
}

/** The middle's kept residual, or its extrapolation from the last two computed steps. */
function reused(
  branch: Branch,
  [from, to]: readonly [number, number],
  weights: readonly number[],
): BranchPlan {
  const part = blocks(from, to);
  const terms = weights.map((coefficient, age) => ({ part, branch, age, coefficient }));
  return { kind: "reuse", part, prediction: { terms } };
}
