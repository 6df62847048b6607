/**
 * Spends what a wanted speedup leaves. The full steps that are still affordable are put where the expected errors of
 * the steps between them add up to least; after every full step anew, with what it has shown.
 */

import { bestSchedule } from "../best-schedule.ts";

/** A step that would reuse something: what that is expected to cost at the end, and in full steps now. */
export interface Cheap {
  readonly error: number;
  readonly cost: number;
}

export interface Rest {
  /** The last full step. */
  readonly from: number;
  /** Number of steps of the run. */
  readonly steps: number;
  /** Full steps that may still be spent after `from`. */
  readonly budget: number;
  /** Whether a step has to be computed in any case; the last one always is. */
  readonly mustCompute: (step: number) => boolean;
  /** A step that reuses, `lag` steps after a full one. */
  readonly cheap: (step: number, lag: number) => Cheap;
}

/** The longest leap: beyond it predictions say nothing. */
export const MOST_STEPS_REUSED = 8;

/** The steps after `from` to compute in full; of all schedules with the budget the one with the least expected error. */
export function spend(rest: Rest): ReadonlySet<number> {
  const { from, steps, budget, mustCompute, cheap } = rest;
  const count = steps - from;
  const ahead = Array.from({ length: count }, (_, offset) => from + offset);
  const errors = ahead.map((anchor) => {
    const row: number[] = [];
    for (let lag = 1; lag <= MOST_STEPS_REUSED && anchor + lag < steps - 1; lag++) {
      if (mustCompute(anchor + lag)) break;
      row.push(cheap(anchor + lag, lag).error);
    }
    return row;
  });
  const most = Math.min(count - 1, Math.max(1, Math.round(budget)));
  for (let full = most; full >= 1; full--) {
    const schedule = bestSchedule(errors, count, full + 1);
    if (!schedule) break;
    if (full + cheapCost(schedule, from, cheap) <= budget + 0.5) return stepsOf(schedule, from);
  }
  // Not enough is left for what has to be computed: as little as possible.
  for (let full = 1; full < count; full++) {
    const schedule = bestSchedule(errors, count, full + 1);
    if (schedule) return stepsOf(schedule, from);
  }
  return new Set(ahead);
}

function cheapCost(schedule: readonly boolean[], from: number, cheap: Rest["cheap"]): number {
  let lag = 0;
  let cost = 0;
  for (const [offset, full] of schedule.entries()) {
    lag = full ? 0 : lag + 1;
    if (!full) cost += cheap(from + offset, lag).cost;
  }
  return cost;
}

function stepsOf(schedule: readonly boolean[], from: number): ReadonlySet<number> {
  return new Set(schedule.flatMap((full, offset) => (full && offset > 0 ? [from + offset] : [])));
}
