import { describe, expect, it } from "vitest";
import { fitPolynomial } from "./polynomial.ts";

const evaluate = (coefficients: readonly number[], x: number) =>
  coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);

function pointsOf(coefficients: readonly number[], xs: readonly number[]) {
  return xs.map((x) => [x, evaluate(coefficients, x)] as const);
}

describe("fitPolynomial", () => {
  it("finds TeaCache's published polynomial of Wan 2.1 1.3B again, whose powers nearly cancel", () => {
    const published = [2.39676752e3, -1.31110545e3, 2.01331979e2, -8.29855975, 1.37887774e-1];
    const xs = Array.from({ length: 200 }, (_, i) => 0.01 + 0.001 * i);
    const { coefficients, range, r2 } = fitPolynomial(pointsOf(published, xs), 4);
    coefficients.forEach((c, i) => {
      expect(c / (published[i] ?? 0)).toBeCloseTo(1, 6);
    });
    expect(range[0]).toBeCloseTo(0.01);
    expect(range[1]).toBeCloseTo(0.209);
    expect(r2).toBeCloseTo(1, 12);
  });

  it("is the least-squares line of a textbook", () => {
    // x̄ = 2, ȳ = 4; slope Σ(x−x̄)(y−ȳ)/Σ(x−x̄)² = (2·4 + 0 + 2·2) / 8 = 1.5
    const { coefficients, r2 } = fitPolynomial(
      [
        [0, 0],
        [2, 6],
        [4, 6],
      ],
      1,
    );
    expect(coefficients[0]).toBeCloseTo(1.5, 12);
    expect(coefficients[1]).toBeCloseTo(1, 12);
    // Residuals −1, 2, −1 of deviations −4, 2, 2.
    expect(r2).toBeCloseTo(1 - 6 / 24, 12);
  });

  it("leaves no residual that any power explains", () => {
    const xs = Array.from({ length: 40 }, (_, i) => 0.3 + 0.02 * i);
    const points = xs.map((x, i) => [x, Math.sin(9 * x) + 0.1 * ((i * 7) % 5)] as const);
    const { coefficients } = fitPolynomial(points, 4);
    for (let power = 0; power <= 4; power++) {
      const moment = points.reduce((sum, [x, y]) => sum + (y - evaluate(coefficients, x)) * x ** power, 0);
      expect(Math.abs(moment)).toBeLessThan(1e-9);
    }
  });

  it("uses no more powers than there are different x", () => {
    const two = fitPolynomial(
      [
        [1, 2],
        [1, 4],
        [3, 7],
      ],
      4,
    );
    expect(two.coefficients.slice(0, 3)).toEqual([0, 0, 0]);
    expect(evaluate(two.coefficients, 1)).toBeCloseTo(3, 12);
    expect(evaluate(two.coefficients, 3)).toBeCloseTo(7, 12);
    const one = fitPolynomial([[0.5, 2]], 4);
    expect(evaluate(one.coefficients, 0.5)).toBeCloseTo(2, 12);
    expect(one.r2).toBe(1);
  });
});
