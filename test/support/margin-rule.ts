/**
 * The margin rule: two live runs of one request may part only where the margin that both traces show is below the
 * error that was measured between their scalars. Up to there every step decides the same.
 */

import { largestDifference } from "./golden.ts";
import type { LiveRun } from "./live-runs.ts";

/** Relative error of any scalar in float32; a backend that is further off is wrong, whatever it decides. */
const SCALARS = 1e-4;
/** Of the largest value of the latents where that is above 1; asked where no decision parts. */
const LATENTS = 1e-4;
/** One rounding of each of two frames. */
const LEVELS = 1;
/** Errors multiply: (1 + e)ⁿ is a little more than 1 + n·e. And a few roundings of float64. */
const SECOND_ORDER = 1.01;
const ROUNDING = 1e-14;

/** What was found of two runs that keep the rule. */
export interface Comparison {
  /** The first step that was decided otherwise. */
  readonly parted?: { readonly step: number; readonly margin: number };
  /** The largest relative error of a scalar before that. */
  readonly scalarError: number;
  readonly scalars: number;
}

/**
 * @param factors how many scalars are multiplied or divided to give the value that a policy compares with its
 * threshold: so many times larger may its error be than theirs. Sums of positive numbers have the error of their parts.
 * @throws Error that names the step and the numbers where the runs break the rule
 */
export function compareRuns(a: LiveRun, b: LiveRun, factors = 1): Comparison {
  let scalarError = 0;
  let scalars = 0;
  const learn = (step: number, one: readonly number[], other: readonly number[]) => {
    if (one.length !== other.length) throw new Error(`step ${step}: the same decisions asked other scalars`);
    scalars += one.length;
    for (const [i, x] of one.entries()) scalarError = Math.max(scalarError, relativeError(x, other[i] ?? 0));
    if (!(scalarError <= SCALARS))
      throw new Error(`step ${step}: scalars are ${scalarError} apart, ${SCALARS} is allowed`);
  };
  for (const [step, mine] of a.steps.entries()) {
    const theirs = b.steps[step];
    if (!theirs || a.steps.length !== b.steps.length)
      throw new Error(`one run has ${a.steps.length} steps, the other ${b.steps.length}`);
    if (decisionIn(mine) !== decisionIn(theirs)) {
      const [one, other] = heardByBoth(a, b, step);
      learn(step, one, other);
      const margin = Math.max(marginIn(mine), marginIn(theirs));
      const error = scalarError * factors * SECOND_ORDER + ROUNDING;
      if (margin <= error) return { parted: { step, margin }, scalarError, scalars };
      throw new Error(
        `step ${step}: the runs part (${decisionIn(mine)}; ${decisionIn(theirs)}) with a margin of ${margin}, though their scalars are no more than ${scalarError} apart`,
      );
    }
    learn(step, mine.scalars, theirs.scalars);
  }
  const scale = a.latents.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
  const apart = largestDifference(a.latents, b.latents) / scale;
  if (!(apart <= LATENTS)) throw new Error(`the latents are ${apart} apart, ${LATENTS} is allowed`);
  const levels = largestDifference(a.frames, b.frames);
  if (!(levels <= LEVELS)) throw new Error(`the frames are ${levels} levels apart`);
  return { scalarError, scalars };
}

/** Of the larger one; 0 where both are the same or no numbers. */
function relativeError(x: number, y: number): number {
  if (Object.is(x, y) || x === y) return 0;
  const error = Math.abs(x - y) / Math.max(Math.abs(x), Math.abs(y));
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

type Step = LiveRun["steps"][number];

/** What a step does, without any number. */
function decisionIn({ decision, branches }: Step): string {
  const plans = branches.map(({ branch, plan, graphs }) => `${branch} ${plan} of ${graphs.length}`);
  return [decision?.mode ?? "no word", ...plans].join(", ");
}

/** Without a margin no scalar was asked, and nothing may part. */
function marginIn(step: Step): number {
  return step.decision?.margin ?? Number.POSITIVE_INFINITY;
}

/** The answers to the questions that both runs asked before they decided; the first other question ends them. */
function heardByBoth(a: LiveRun, b: LiveRun, step: number): [number[], number[]] {
  const [mine, theirs] = [a.heard[step] ?? [], b.heard[step] ?? []];
  const end = mine.findIndex(({ about }, i) => about !== theirs[i]?.about);
  const common = end < 0 ? mine.length : end;
  return [mine.slice(0, common).map(({ value }) => value), theirs.slice(0, common).map(({ value }) => value)];
}
