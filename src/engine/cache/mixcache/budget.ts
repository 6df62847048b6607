/**
 * Spends what a wanted speedup leaves. The full steps that are still affordable are put where the expected errors of
 * the steps between them add up to least; after every full step anew, with what it has shown. What the steps between
 * may reuse is part of the plan: where little is left, only what costs little.
 */

import { bestSchedule } from "../best-schedule.ts";
import type { Candidate } from "./decision.ts";
import type { Granularity } from "./granularity.ts";

/** What a step would reuse, `lag` steps after a full one, of these granularities, after one that reused `before`. */
export type Choosing = (
  menu: readonly Granularity[],
  step: number,
  lag: number,
  before: Granularity | undefined,
) => Candidate;

/** The steps that are left. */
export interface Rest {
  /** The last full step. */
  readonly from: number;
  /** Number of steps of the run. */
  readonly steps: number;
  /** Whether a step has to be computed in any case; the last one always is. */
  readonly mustCompute: (step: number) => boolean;
}

export interface Spending extends Rest {
  /** In full steps: what may still be spent after `from`. */
  readonly budget: number;
  /** The sets of granularities to choose among. */
  readonly menus: readonly (readonly Granularity[])[];
  /** What the cached step before reused. */
  readonly before: Granularity | undefined;
  readonly choose: Choosing;
}

export interface Plan {
  /** The steps after `from` to compute in full. */
  readonly full: ReadonlySet<number>;
  /** What the others may reuse. */
  readonly menu: readonly Granularity[];
  /** In full steps. */
  readonly cost: number;
  /** The expected errors of the steps that reuse. */
  readonly error: number;
}

/** The longest leap: beyond it predictions say nothing. */
export const MOST_STEPS_REUSED = 8;
/** Steps are whole: a budget is met where no plan could come nearer to it by a full step. */
const ROUNDING = 0.5;

/**
 * Of all plans within the budget the one with the least expected error; where what has to be computed costs more than
 * is left, the cheapest.
 */
export function spend(rest: Spending): Plan {
  const plans = rest.menus.map((menu) => planWith(menu, rest));
  const within = plans.filter(({ cost }) => cost <= rest.budget + ROUNDING);
  const order = within.length > 0 ? (plan: Plan) => plan.error : (plan: Plan) => plan.cost;
  const [best] = (within.length > 0 ? within : plans).toSorted((a, b) => order(a) - order(b));
  if (!best) throw new RangeError("a budget is spent on at least one set of granularities");
  return best;
}

/** Whether a budget pays for so many full steps: a plan for them would reuse nothing. */
export function paysForAll(budget: number, steps: number): boolean {
  return Math.round(budget) >= steps;
}

/** The fewest full steps that are possible after `from`, and what all costs with a cheap step at this cost. */
export function leastCost({ from, steps, mustCompute }: Rest, cheap: number): { full: number; cost: number } {
  let full = 0;
  let last = from;
  for (let step = from + 1; step < steps; step++) {
    if (step < steps - 1 && step - last <= MOST_STEPS_REUSED && !mustCompute(step)) continue;
    full++;
    last = step;
  }
  return { full, cost: full + cheap * (steps - 1 - from - full) };
}

/**
 * For how many steps after `from`, `longest` at most, nothing needs to be reused for the budget to hold.
 * @param cheap what the cheapest step that reuses costs
 */
export function affordableWait(rest: Rest, budget: number, cheap: number, longest: number): number {
  let wait = Math.min(longest, rest.steps - 1 - rest.from);
  while (wait > 0 && wait + leastCost({ ...rest, from: rest.from + wait }, cheap).cost > budget) wait--;
  return wait;
}

/** The most full steps with which a menu's plan is within the budget, or else the fewest. */
function planWith(menu: readonly Granularity[], rest: Spending): Plan {
  const { from, steps, budget } = rest;
  const count = steps - from;
  const errors = expectedErrors(menu, rest);
  const fewest = leastCost(rest, 0).full;
  let full = paysForAll(budget, count - 1) ? count - 1 : Math.max(fewest, Math.round(budget));
  for (;;) {
    const plan = walk(bestSchedule(errors, count, full + 1) ?? [], menu, rest);
    const excess = plan.cost - budget - ROUNDING;
    if (excess <= 0 || full <= fewest) return plan;
    // A full step less saves one full step at most.
    full = Math.max(fewest, full - Math.max(1, Math.floor(excess)));
  }
}

/** For `bestSchedule`: a row for each step that may be the full one before, an entry for each lag. */
function expectedErrors(menu: readonly Granularity[], { from, steps, mustCompute, choose }: Spending) {
  return Array.from({ length: steps - from }, (_, offset) => {
    const anchor = from + offset;
    const row: number[] = [];
    for (let lag = 1; lag <= MOST_STEPS_REUSED && anchor + lag < steps - 1; lag++) {
      if (mustCompute(anchor + lag)) break;
      row.push(choose(menu, anchor + lag, lag, undefined).error);
    }
    return row;
  });
}

/** A schedule as the run would follow it, step by step. */
function walk(schedule: readonly boolean[], menu: readonly Granularity[], rest: Spending): Plan {
  const full = new Set<number>();
  let { before } = rest;
  let [cost, error, lag] = [0, 0, 0];
  for (let step = rest.from + 1; step < rest.steps; step++) {
    if (schedule[step - rest.from] ?? true) {
      full.add(step);
      cost++;
      lag = 0;
      continue;
    }
    const choice = rest.choose(menu, step, ++lag, before);
    before = choice.granularity;
    cost += choice.cost;
    error += choice.error;
  }
  return { full, menu, cost, error };
}
