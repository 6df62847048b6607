import { describe, expect, it } from "vitest";
import { profileSchema } from "../cache/profile.ts";
import { MEASURED_FORMAT, type Measured } from "./measured.ts";
import { mergeMeasured } from "./merge.ts";

const KEY = {
  bundle: "b",
  scheduler: "flow_match_euler",
  steps: 3,
  width: 64,
  height: 64,
  frames: 16,
  guidance_scales: { main: 3 },
};

function measured(scale: number, changes: Partial<Measured> = {}): Measured {
  const branch = (factor: number) => ({
    magnitude_ratios: [1, 0.9 * factor, 0.8 * factor],
    stack_changes: [null, 2 * factor, 4 * factor],
    signal_changes: { clock: [null, factor, 2 * factor] },
    reuse_costs: [[0.1 * factor, 0.3 * factor], [0.2 * factor], []],
  });
  return {
    format: MEASURED_FORMAT,
    branches: { cond: branch(scale), uncond: branch(2 * scale) },
    block_range: [1, 7],
    deviations: { step: [[null, null, scale]], block: [[null, null, 2 * scale]] },
    held_deviations: { step: [[null, scale, 3 * scale]] },
    changes: [null, scale, 10 * scale],
    impacts: { step: { steps: [0, 2], values: [scale, 3 * scale] } },
    ...changes,
  };
}

const merge = (all: readonly Measured[]) => mergeMeasured(KEY, { count: all.length, digest: "d" }, all);

describe("a profile of several prompts", () => {
  const profile = merge([measured(1), measured(2), measured(3)]);

  it("is what the schema says", () => {
    expect(profileSchema.parse(JSON.parse(JSON.stringify(profile)))).toEqual(profile);
  });

  it("means ratios over prompts for each branch, and costs over prompts and branches", () => {
    expect(profile.magnitude_ratios.cond).toEqual([1, 1.8, 1.6]);
    expect(profile.magnitude_ratios.uncond).toEqual([1, 3.6, 3.2]);
    // Scales 1, 2, 3 of cond and 2, 4, 6 of uncond: 3 on average.
    expect(profile.reuse_costs).toEqual([[0.3, 0.9], [0.6], []]);
  });

  it("fits the signal's change to the stack's over all steps, prompts and branches", () => {
    const { coefficients, range, r2 } = profile.polynomials.clock ?? { coefficients: [], range: [], r2: 0 };
    expect(range).toEqual([1, 12]);
    expect(r2).toBeCloseTo(1);
    expect(coefficients.map((c) => Math.round(c * 1e6) / 1e6 + 0)).toEqual([0, 0, 0, 2, 0]);
  });

  it("means deviations and impacts, with null where a step has none", () => {
    expect(profile.deviations).toEqual({ step: [[null, null, 2]], block: [[null, null, 4]] });
    expect(profile.held_deviations).toEqual({ step: [[null, 2, 6]] });
    expect(profile.impacts).toEqual({ step: { steps: [0, 2], values: [2, 6] } });
  });

  it("has quantiles between the prompts' values", () => {
    expect(profile.changes).toEqual({ p10: [null, 1.2, 12], p50: [null, 2, 20], p90: [null, 2.8, 28] });
    expect(profile.deviation_quantiles.p50).toEqual([null, null, 2]);
  });
});

describe("what is missing", () => {
  it("leaves out impacts that no prompt has, and takes them from those that have them", () => {
    expect(merge([measured(1, { impacts: {} })]).impacts).toEqual({});
    expect(merge([measured(1), measured(5, { impacts: {} })]).impacts.step?.values).toEqual([1, 3]);
  });

  it("has no uncond and no blocks where the model has none", () => {
    const { block_range: _, ...plain } = measured(1);
    delete plain.branches.uncond;
    delete plain.deviations.block;
    const profile = merge([plain]);
    expect(Object.keys(profile.magnitude_ratios)).toEqual(["cond"]);
    expect(profile.block_range).toBeUndefined();
    expect(Object.keys(profile.deviations)).toEqual(["step"]);
  });
});

it("keeps numbers short", () => {
  expect(merge([measured(1 / 3)]).changes.p50[1]).toBe(0.33333);
});
