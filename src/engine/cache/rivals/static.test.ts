import { describe, expect, it } from "vitest";
import {
  decide,
  handmadeProfile,
  maskOf,
  policyFor,
  runInfo,
  silent,
} from "../../../../test/support/policies.ts";
import type { CacheRequest } from "../request.ts";

const BOTH = { branches: ["cond", "uncond"] } as const;

function run(
  options: Omit<CacheRequest, "policy">,
  steps: number,
  changes: Parameters<typeof runInfo>[1] = BOTH,
) {
  const policy = policyFor({ policy: "static", ...options }, steps, handmadeProfile(steps));
  return decide(policy, runInfo(steps, changes), silent(steps));
}

describe("a mask", () => {
  it("is followed by both branches, and the last step is computed", () => {
    const steps = run({ mask: "10110100" }, 8);
    expect(maskOf(steps)).toBe("10110101");
    expect(maskOf(steps, "uncond")).toBe("10110101");
    expect(steps.map(({ decision }) => decision?.mode)).toEqual(
      "full step full full step full step full".split(" "),
    );
    expect(steps.every(({ decision }) => decision?.margin === undefined)).toBe(true);
  });

  it("can't make a denoiser's first step a reused one: what the other has kept is gone", () => {
    expect(maskOf(run({ mask: "10000001" }, 8, { ...BOTH, switchAt: 3 }))).toBe("10010001");
  });

  it.each([
    ["another length", { mask: "1011" }, /cache.mask has 4 digits and the video 8 steps/],
    ["a first step that is reused", { mask: "01111111" }, /begin with 1/],
    ["nothing else", { mask: "10111111", full_steps: 3 }, /exactly one of mask/],
  ])("of %s is refused", (_, options, sentence) => {
    expect(() => run(options, 8)).toThrow(sentence);
  });

  it("of one step is that step", () => {
    expect(maskOf(run({ mask: "1" }, 1))).toBe("1");
  });
});

describe("the best schedule", () => {
  it("has exactly so many computed steps, spread evenly where reuse costs the same everywhere", () => {
    expect(maskOf(run({ full_steps: 4 }, 10))).toBe("1001001001");
  });

  it("by speed has steps / speed of them, but never fewer than there can be", () => {
    expect(maskOf(run({ speed: 2.5 }, 10)).replaceAll("0", "")).toHaveLength(4);
    expect([1, 2, 4].map((steps) => maskOf(run({ speed: 4 }, steps)))).toEqual(["1", "11", "1001"]);
  });

  it("of an impossible number of steps is refused with the numbers that are possible", () => {
    expect(() => run({ full_steps: 1 }, 8)).toThrow(/a whole number from 2 to 8/);
    expect(() => run({ full_steps: 9 }, 8)).toThrow(/a whole number from 2 to 8/);
  });

  it("needs a profile", () => {
    expect(() => policyFor({ policy: "static", full_steps: 4 }, 8)).toThrowError(
      expect.objectContaining({ code: "profile_missing" }),
    );
  });
});

describe("a preset", () => {
  it("is MagCache with the preset's numbers, decided once for both branches", () => {
    const cond = [1, 1.02, 1, 0.99, 0.98, 0.97, 0.97, 0.95, 0.9, 0.8];
    const profile = handmadeProfile(10, { magnitude_ratios: { cond, uncond: cond.map(() => 0.5) } });
    const decided = decide(
      policyFor({ policy: "static", preset: "e12k2r02" }, 10, profile),
      runInfo(10, BOTH),
      silent(10),
    );
    const options = { policy: "magcache", threshold: 0.12, max_skip_steps: 2, mag_ratios: { cond } };
    const magcache = decide(policyFor(options, 10), runInfo(10), silent(10));
    expect(maskOf(decided)).toBe(maskOf(magcache));
    expect(maskOf(decided, "uncond")).toBe(maskOf(magcache));
    expect(maskOf(decided)).toContain("0");
  });
});
