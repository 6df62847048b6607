import { describe, expect, it } from "vitest";
import { taylorCoefficients } from "./taylor-series.ts";

/** What the coefficients make of a function's values at the known steps. */
function predict(f: (step: number) => number, known: readonly number[], order: number, step: number): number {
  return taylorCoefficients(known, order, step).reduce((sum, c, i) => sum + c * f(known[i] ?? Number.NaN), 0);
}

describe("a Taylor series from divided differences", () => {
  it("of order 0, or from one result, is the newest result", () => {
    expect(taylorCoefficients([10, 5, 0], 0, 13)).toEqual([1]);
    expect(taylorCoefficients([10], 3, 13)).toEqual([1]);
  });

  it("of order 1 goes on along the line through the two newest", () => {
    expect(taylorCoefficients([10, 5, 0], 1, 12)).toEqual([1.4, -0.4]);
    expect(predict((step) => 3 * step - 7, [10, 6], 1, 13)).toBeCloseTo(32, 12);
  });

  it("of order 2 has the derivatives that its source keeps step by step", () => {
    // Known at 0, 1, 4: F' = (F4 − F1)/3, F'' = (F' − (F1 − F0))/3; at 6: F4 + 2F' + 2F''.
    const [f0, f1, f4] = [2, 3, 11];
    const first = (f4 - f1) / 3;
    const second = (first - (f1 - f0)) / 3;
    const wanted = f4 + 2 * first + 2 * second;
    const values: Record<number, number> = { 0: f0, 1: f1, 4: f4 };
    expect(predict((step) => values[step] ?? Number.NaN, [4, 1, 0], 2, 6)).toBeCloseTo(wanted, 12);
  });

  it.each([0, 1, 2, 3, 4])("of order %i keeps a constant", (order) => {
    expect(taylorCoefficients([20, 15, 9, 4, 0], order, 23).reduce((sum, c) => sum + c, 0)).toBeCloseTo(
      1,
      12,
    );
  });
});
