import { describe, expect, it } from "vitest";
import {
  decide,
  handmadeProfile,
  maskOf,
  policyFor,
  runInfo,
  silent,
} from "../../../../test/support/policies.ts";
import { resampled } from "./magcache.ts";

/** Published magnitude ratios of 50 steps (Zehong-Ma/MagCache, Apache-2.0). */
const WAN_1_3B = [
  1, 1.0124, 1.00166, 0.99791, 0.99682, 0.99634, 0.99567, 0.99416, 0.99578, 0.9957, 0.99511, 0.99535, 0.99552,
  0.99541, 0.9954, 0.99489, 0.99518, 0.99484, 0.99481, 0.99415, 0.99419, 0.99396, 0.99388, 0.99349, 0.99309,
  0.9927, 0.99228, 0.99171, 0.99137, 0.99068, 0.99005, 0.98944, 0.98849, 0.98758, 0.98644, 0.98504, 0.9836,
  0.98202, 0.97977, 0.97717, 0.9741, 0.97003, 0.96538, 0.9593, 0.95086, 0.94013, 0.92402, 0.90241, 0.86821,
  0.81838,
];
const HUNYUAN_720P = [
  1, 1.0754, 1.27807, 1.11596, 1.09504, 1.05188, 1.00844, 1.05779, 1.00657, 1.04142, 1.03101, 1.00679,
  1.02556, 1.00908, 1.06949, 1.05438, 1.02214, 1.02321, 1.03019, 1.00779, 1.03381, 1.01886, 1.01161, 1.02968,
  1.00544, 1.02822, 1.00689, 1.02119, 1.0105, 1.01044, 1.01572, 1.02972, 1.0094, 1.02368, 1.0226, 0.98965,
  1.01588, 1.02146, 1.0018, 1.01687, 0.99436, 1.00283, 1.01139, 0.97122, 0.98251, 0.94513, 0.97656, 0.90943,
  0.85703, 0.75456,
];

function maskFor(cond: readonly number[], options: Record<string, number | boolean>): string {
  const policy = policyFor({ policy: "magcache", mag_ratios: { cond }, ...options }, 50);
  return maskOf(decide(policy, runInfo(50), silent(50)));
}

describe("the published tables give the published schedules", () => {
  it.each([
    ["HunyuanVideo", HUNYUAN_720P, 0.06, 2, "11111111110101101010010010100101001001001001010111"],
    ["HunyuanVideo", HUNYUAN_720P, 0.24, 6, "11111111110000100010000100000100001000000100001011"],
  ])("%s", (_, ratios, threshold, max_skip_steps, mask) => {
    expect(maskFor(ratios, { threshold, max_skip_steps })).toBe(mask);
  });

  it.each([
    [0.06, 2, 27],
    [0.12, 2, 25],
    [0.12, 4, 21],
    [0.24, 6, 18],
  ])("Wan 2.1 1.3B, threshold %f and %i skips: %i steps are computed", (threshold, max_skip_steps, full) => {
    expect(maskFor(WAN_1_3B, { threshold, max_skip_steps }).replaceAll("0", "")).toHaveLength(full);
  });
});

describe("the rule, worked out by hand", () => {
  // From step 2 on: γ 0.98 → error 0.02; γ 0.9604 → 0.0596; γ 0.941192 → 0.118408: computed, and all begins anew.
  const cond = [1, 0.98, 0.98, 0.98, 0.98, 0.98, 0.98, 0.98, 0.98, 0.98];

  function masks(options: Record<string, unknown>, run = runInfo(10)) {
    const policy = policyFor({ policy: "magcache", mag_ratios: { cond }, threshold: 0.1, ...options }, 10);
    return decide(policy, run, silent(10));
  }

  it("reuses while the accumulated error is below the threshold", () => {
    const steps = masks({ max_skip_steps: 9 });
    expect(maskOf(steps)).toBe("1100100101");
    expect(steps[3]?.decision?.values?.error).toBeCloseTo(0.0596, 12);
    expect(steps[4]?.decision?.values?.error).toBeCloseTo(0.118408, 12);
    expect(steps[5]?.decision?.values?.error).toBeCloseTo(0.02, 12);
  });

  it("reuses no more than so many steps in a row", () => {
    expect(maskOf(masks({ max_skip_steps: 1 }))).toBe("1101010101");
  });

  it("computes the last step unless it is told to be the original", () => {
    expect(maskOf(masks({ max_skip_steps: 9, force_last: false }))).toBe("1100100100");
  });

  it("retains a share of each expert's steps, and begins anew with it", () => {
    const experts = runInfo(10, { switchAt: 5 });
    expect(maskOf(masks({ max_skip_steps: 9, retention_ratio: 0.4 }, experts))).toBe("1100111001");
  });

  it("takes every branch's own ratios", () => {
    const uncond = cond.map(() => 0.5);
    const policy = policyFor({ policy: "magcache", threshold: 0.1, mag_ratios: { cond, uncond } }, 10);
    const steps = decide(policy, runInfo(10, { branches: ["cond", "uncond"] }), silent(10));
    expect([maskOf(steps), maskOf(steps, "uncond")]).toEqual(["1100100101", "1111111111"]);
    expect(steps[2]?.decision).toEqual({
      mode: "mixed",
      values: { cond_ratio: 0.98, cond_error: 1 - 0.98, uncond_ratio: 0.5, uncond_error: 0.5 },
    });
  });

  it("takes the profile's ratios, and says what to do without", () => {
    const policy = policyFor({ policy: "magcache" }, 10, handmadeProfile(10));
    expect(maskOf(decide(policy, runInfo(10), silent(10)))).toBe("1100100101");
    expect(() => policyFor({ policy: "magcache" }, 10)).toThrowError(
      expect.objectContaining({
        code: "profile_missing",
        message: expect.stringMatching(/mixcache calibrate/),
      }),
    );
  });

  it.each([1, 2, 4])("works in %i steps", (steps) => {
    const policy = policyFor({ policy: "magcache" }, steps, handmadeProfile(steps));
    expect(maskOf(decide(policy, runInfo(steps), silent(steps)))).toMatch(/^1[01]*$/);
  });
});

describe("a table of another number of steps", () => {
  it("is read at the nearest places, halves at the even one", () => {
    expect(resampled([0, 1, 2, 3, 4], 5)).toEqual([0, 1, 2, 3, 4]);
    expect(resampled([0, 1, 2, 3], 3)).toEqual([0, 2, 3]);
    expect(resampled([0, 1], 3)).toEqual([0, 0, 1]);
    expect(resampled([0, 1, 2], 5)).toEqual([0, 0, 1, 2, 2]);
    expect(resampled([0, 1, 2], 1)).toEqual([2]);
  });
});
