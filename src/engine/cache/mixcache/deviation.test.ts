import { describe, expect, it } from "vitest";
import { Deviations } from "./deviation.ts";

const STEPS = 12;
/** D of 0.1 at lag 1, 0.2 at lag 2, as from the step on at which so old a line exists. */
const table = (lags: number, scale = 1) =>
  Array.from({ length: lags }, (_, lag) =>
    Array.from({ length: STEPS }, (_, step) => (step > lag + 1 ? scale * 0.1 * (lag + 1) : null)),
  );

describe("the expected deviation", () => {
  const profiled = () => new Deviations({ step: table(2), cfg: table(2, 4) }, 1);

  it("is the profile's", () => {
    expect(profiled().expected("step", 6, 1)).toBeCloseTo(0.1, 12);
    expect(profiled().expected("step", 6, 2)).toBeCloseTo(0.2, 12);
    expect(profiled().expected("cfg", 6, 2)).toBeCloseTo(0.8, 12);
  });

  it("grows beyond the profile's lags: a held value with the steps, a line with their sums", () => {
    expect(profiled().expected("step", 8, 4)).toBeCloseTo((0.2 * 10) / 3, 12);
    expect(new Deviations({ step: table(2) }, 0).expected("step", 8, 4)).toBeCloseTo(0.4, 12);
  });

  it("comes from lag 1 where the profile has no value for a longer one", () => {
    expect(profiled().expected("step", 2, 2)).toBeCloseTo(0.1 * 3, 12);
    expect(new Deviations({ step: [] }, 1).expected("step", 2, 1)).toBe(1);
  });

  it("is of this prompt: four times as rough at one step, less so further on, for all granularities", () => {
    const deviations = profiled();
    deviations.observe("step", 3, 1, 0.1);
    deviations.observe("step", 4, 1, 0.4);
    expect(deviations.expected("step", 4, 1)).toBeCloseTo(0.4, 12);
    expect(deviations.expected("cfg", 4, 1)).toBeCloseTo(1.6, 12);
    // The mean of both levels is a factor of two; half of what is above it is left after three steps.
    expect(deviations.expected("step", 7, 1)).toBeCloseTo(0.1 * 2 ** 1.5, 12);
    deviations.clear();
    expect(deviations.expected("step", 4, 1)).toBeCloseTo(0.1, 12);
  });

  it("is never thought more than four times as rough, or as smooth, as the typical one", () => {
    const [rough, smooth] = [profiled(), profiled()];
    rough.observe("step", 4, 1, 99);
    smooth.observe("step", 4, 1, 1e-9);
    expect(rough.expected("step", 4, 1)).toBeCloseTo(0.4, 12);
    expect(smooth.expected("step", 4, 1)).toBeCloseTo(0.025, 12);
  });

  it("is not moved by what is no number, nor by nothing", () => {
    const deviations = profiled();
    for (const deviation of [Number.NaN, 0, -1]) deviations.observe("step", 4, 1, deviation);
    expect(deviations.expected("step", 4, 1)).toBeCloseTo(0.1, 12);
    expect(deviations.margin).toBe(Number.POSITIVE_INFINITY);
  });

  it("moves in levels, so that small errors of a scalar change nothing; the margin says how small", () => {
    const expectedAfter = (deviation: number) => {
      const deviations = profiled();
      deviations.observe("step", 4, 1, deviation);
      return deviations.expected("step", 5, 1);
    };
    const observed = profiled();
    observed.observe("step", 4, 1, 0.12);
    const { margin } = observed;
    expect(margin).toBeGreaterThan(0);
    for (const error of [-0.99 * margin, 0.99 * margin])
      expect(expectedAfter(0.12 * (1 + error))).toBe(expectedAfter(0.12));
    const beyond = [-1.2 * margin, 1.2 * margin].map((error) => expectedAfter(0.12 * (1 + error)));
    expect(beyond.some((expected) => expected !== expectedAfter(0.12))).toBe(true);
  });
});

describe("without a profile", () => {
  it("is what was last observed, for each granularity by itself, per unit of growth", () => {
    const deviations = new Deviations(undefined, 1);
    deviations.observe("step", 4, 2, 0.75);
    deviations.observe("cfg", 4, 1, 2);
    expect(deviations.expected("step", 5, 1)).toBeCloseTo(0.25, 12);
    expect(deviations.expected("step", 6, 2)).toBeCloseTo(0.75, 12);
    expect(deviations.expected("cfg", 5, 1)).toBeCloseTo(2, 12);
    expect(deviations.expected("block", 5, 1)).toBe(1);
    deviations.clear();
    expect(deviations.expected("step", 5, 1)).toBe(1);
  });

  it("has to observe what no profile knows, and the output in any case", () => {
    const wants = (deviations: Deviations) =>
      (["step", "cfg", "block"] as const).filter((granularity) => deviations.wants(granularity));
    expect(wants(new Deviations(undefined, 1))).toEqual(["step", "cfg", "block"]);
    expect(wants(new Deviations({ step: table(2), cfg: table(2) }, 1))).toEqual(["step", "block"]);
  });
});
