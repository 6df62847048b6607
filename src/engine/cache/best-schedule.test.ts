import { describe, expect, it } from "vitest";
import { bestSchedule } from "./best-schedule.ts";

/** Every schedule with first and last step computed, and what its reuse costs. */
function bruteForce(costs: number[][], steps: number, fullSteps: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let bits = 0; bits < 2 ** steps; bits++) {
    const full = Array.from({ length: steps }, (_, step) => ((bits >> step) & 1) === 1);
    if (!full[0] || !full[steps - 1] || full.filter(Boolean).length !== fullSteps) continue;
    least = Math.min(least, costOf(full, costs));
  }
  return least;
}

function costOf(full: readonly boolean[], costs: number[][]): number {
  let newest = 0;
  return full.reduce((sum, computed, step) => {
    if (computed) newest = step;
    return computed ? sum : sum + (costs[newest]?.[step - newest - 1] ?? Number.POSITIVE_INFINITY);
  }, 0);
}

/** Numbers without a pattern that are the same every time. */
function table(steps: number, seed: number): number[][] {
  let state = seed;
  const next = () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
  return Array.from({ length: steps }, (_, from) => Array.from({ length: steps - 1 - from }, next));
}

describe("bestSchedule", () => {
  it("costs as little as the best of all schedules", () => {
    for (const [steps, seed] of [
      [1, 1],
      [2, 2],
      [5, 3],
      [8, 4],
      [10, 5],
    ] as const) {
      const costs = table(steps, seed);
      for (let fullSteps = Math.min(2, steps); fullSteps <= steps; fullSteps++) {
        const full = bestSchedule(costs, steps, fullSteps);
        expect(full?.filter(Boolean)).toHaveLength(fullSteps);
        expect([full?.[0], full?.[steps - 1]]).toEqual([true, true]);
        expect(costOf(full ?? [], costs)).toBeCloseTo(bruteForce(costs, steps, fullSteps), 12);
      }
    }
  });

  it("computes where the residual changes fast", () => {
    // A change of 1 at the steps 3 and 4, of 0.1 elsewhere; a distance is the sum of the changes on the way.
    const change = [0, 0.1, 0.1, 1, 1, 0.1, 0.1, 0.1];
    const costs = change.map((_, from) =>
      change.slice(from + 1).map((_, k) => change.slice(from + 1, from + k + 2).reduce((a, b) => a + b, 0)),
    );
    const digits = bestSchedule(costs, 8, 4)?.map((full) => (full ? "1" : "0"));
    expect(digits?.join("")).toBe("10011001");
  });

  it("never reuses over the end of a row: the next denoiser's first step is computed", () => {
    const costs = [[0.1, 0.1], [0.1], [], [0.1, 0.1], [0.1], []];
    expect(bestSchedule(costs, 6, 3)).toEqual([true, false, false, true, false, true]);
    expect(bestSchedule(costs, 6, 2)).toBeUndefined();
  });

  it("has no schedule of more steps than there are, or of none", () => {
    expect(bestSchedule(table(4, 1), 4, 5)).toBeUndefined();
    expect(bestSchedule(table(4, 1), 4, 0)).toBeUndefined();
    expect(bestSchedule(table(4, 1), 4, 1)).toBeUndefined();
  });
});
