/** Verdicts about policies rest on these numbers: they must be those that a statistician would give. */

import { describe, expect, it } from "vitest";
import { randn } from "../random.ts";
import { type PairedValue, pairedDifference, quantile, summarize } from "./statistics.ts";
import { studentT } from "./student-t.ts";

describe("quantiles", () => {
  it("interpolates between order statistics, in any order of the values", () => {
    expect(quantile([10, 0], 0.25)).toBe(2.5);
    expect(quantile([3, 1, 2], 0.5)).toBe(2);
    expect(quantile([5], 0.9)).toBe(5);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it("shows the worst tenth, which a mean hides", () => {
    const summary = summarize([13, 30, 13, ...new Array(17).fill(30), 13]);
    expect(summary).toEqual({ n: 21, mean: 579 / 21, p10: 13, p90: 30 });
    expect(summarize([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toEqual({ n: 11, mean: 5, p10: 1, p90: 9 });
  });

  it("refuses to summarize nothing", () => {
    expect(() => summarize([])).toThrow("There is no value to summarize. Give at least one.");
  });
});

describe("studentT", () => {
  // Closed forms: 1 degree is the Cauchy distribution, 2 degrees are algebraic, many are normal.
  it.each([0.5, 0.6, 0.9, 0.975, 0.999])("is right where a closed form exists, at %d", (p) => {
    expect(studentT(p, 1)).toBeCloseTo(Math.tan(Math.PI * (p - 0.5)), 8);
    expect(studentT(p, 2)).toBeCloseTo((2 * p - 1) * Math.sqrt(2 / (4 * p * (1 - p))), 10);
  });

  it("agrees with scipy.stats.t.ppf", () => {
    expect(studentT(0.975, 3)).toBeCloseTo(3.182446305283708, 10);
    expect(studentT(0.975, 4)).toBeCloseTo(2.776445105197793, 10);
    expect(studentT(0.975, 31)).toBeCloseTo(2.039513446396408, 10);
    expect(studentT(0.995, 120)).toBeCloseTo(2.617421145106865, 10);
    expect(studentT(0.975, 9999)).toBeCloseTo(1.960201263621357, 10);
  });
});

describe("pairedDifference", () => {
  const pair = (cluster: string, a: number, b: number): PairedValue => ({ cluster, a, b });

  it("is the mean of a − b with the t interval of a textbook", () => {
    const found = pairedDifference([pair("p", 3, 2), pair("q", 5, 3), pair("r", 7, 4)]);
    // Differences 1, 2, 3: s = 1, so the reach is t(0.975, 2) / √3.
    const reach = 4.302652729749462 / Math.sqrt(3);
    expect(found).toMatchObject({ mean: 2, clusters: 3, n: 3 });
    expect(found.low).toBeCloseTo(2 - reach, 10);
    expect(found.high).toBeCloseTo(2 + reach, 10);
  });

  it("turns its sign with the order of the policies", () => {
    const forth = pairedDifference([pair("p", 3, 2), pair("q", 5, 1)]);
    const back = pairedDifference([pair("p", 2, 3), pair("q", 1, 5)]);
    expect([back.mean, back.low, back.high]).toEqual([-forth.mean, -forth.high, -forth.low]);
  });

  it("counts a prompt once, however many seeds it has", () => {
    const once = pairedDifference([pair("p", 3, 2), pair("q", 5, 2)]);
    const often = pairedDifference([...new Array(9).fill(pair("p", 3, 2)), pair("q", 5, 2)]);
    expect(often).toEqual({ ...once, n: 10 });
  });

  it("knows nothing of the spread from a single prompt", () => {
    const single = { mean: 1, low: -Infinity, high: Infinity, clusters: 1, n: 2 };
    expect(pairedDifference([pair("p", 3, 2), pair("p", 3, 2)])).toEqual(single);
  });

  it("refuses no pairs, and values that are no numbers", () => {
    expect(() => pairedDifference([])).toThrow("There is no pair");
    expect(() => pairedDifference([pair("p", Number.NaN, 2)])).toThrow('"p" is not of finite numbers');
  });

  describe("over simulated studies", () => {
    const [studies, prompts, seeds] = [3000, 10, 4];
    const truth = 0.7;

    /** In how many studies the interval holds the truth, where seeds of a prompt share half of their variance. */
    function coverage(clusterOf: (prompt: number, seed: number) => string): number {
      const noise = randn(11, [studies, prompts, seeds + 1]);
      let covered = 0;
      for (let study = 0; study < studies; study++) {
        const pairs: PairedValue[] = [];
        for (let prompt = 0; prompt < prompts; prompt++) {
          const at = (study * prompts + prompt) * (seeds + 1);
          for (let seed = 0; seed < seeds; seed++) {
            const value = truth + (noise[at + seeds] ?? 0) + (noise[at + seed] ?? 0);
            pairs.push(pair(clusterOf(prompt, seed), value, 0));
          }
        }
        const { low, high } = pairedDifference(pairs);
        if (low <= truth && truth <= high) covered++;
      }
      return covered / studies;
    }

    it("holds the true difference in 95 of 100", () => {
      // Three standard errors of a share of 0.95 over 3000 studies.
      expect(Math.abs(coverage((prompt) => `${prompt}`) - 0.95)).toBeLessThan(0.012);
    });

    it("would claim far too much if seeds were taken for independent", () => {
      expect(coverage((prompt, seed) => `${prompt}/${seed}`)).toBeLessThan(0.85);
    });
  });
});
