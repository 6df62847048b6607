import { describe, expect, it } from "vitest";
import { AttentionHistory } from "./attention-history.ts";

/** Follows the rule with numbers instead of tensors: `c` computes the next of `values`, `r` reuses. */
function follow(
  order: string,
  values: readonly number[],
  { weight, keepsReused }: { weight: number; keepsReused: boolean },
): readonly number[] {
  let [before, latest, next] = [0, 0, 0];
  return [...order].map((what) => {
    const output = what === "c" ? (values[next] ?? Number.NaN) : latest + weight * (latest - before);
    if (what === "c" || keepsReused) [before, latest] = [next === 0 ? output : latest, output];
    if (what === "c") next++;
    return output;
  });
}

/** The same through the coefficients. */
function combine(
  order: string,
  values: readonly number[],
  { weight, keepsReused }: { weight: number; keepsReused: boolean },
): readonly number[] {
  const history = new AttentionHistory(weight, keepsReused, 8);
  const kept: number[] = [];
  return [...order].map((what) => {
    if (what === "c") {
      history.compute();
      kept.unshift(values[kept.length] ?? Number.NaN);
      return kept[0] ?? Number.NaN;
    }
    return history.reuse().reduce((sum, c, age) => sum + c * (kept[age] ?? Number.NaN), 0);
  });
}

const VALUES = [1, 2.5, 2, 4, 3, 7, 5, 6];

describe("attention that is reused", () => {
  it.each(["ccrcr", "crcrcr", "crrccrrr", "ccrcrcrccrcr"])(
    "in the order %s is what the rule gives",
    (order) => {
      for (const keepsReused of [false, true]) {
        const how = { weight: 0.3, keepsReused };
        const wanted = follow(order, VALUES, how);
        combine(order, VALUES, how).forEach((output, i) => {
          expect(output).toBeCloseTo(wanted[i] ?? Number.NaN, 12);
        });
      }
    },
  );

  it("after one computation is that one", () => {
    const history = new AttentionHistory(0.5, false, 2);
    history.compute();
    expect(history.reuse()).toEqual([1]);
  });

  it("needs no more than is kept, and stays a mean of it", () => {
    const history = new AttentionHistory(0.5, true, 3);
    for (let i = 0; i < 10; i++) {
      history.compute();
      const coefficients = history.reuse();
      expect(coefficients.length).toBeLessThanOrEqual(3);
      expect(coefficients.reduce((sum, c) => sum + c, 0)).toBeCloseTo(1, 12);
    }
  });
});
