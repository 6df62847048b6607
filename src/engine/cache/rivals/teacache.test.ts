import { describe, expect, it } from "vitest";
import { decide, handmadeProfile, maskOf, policyFor, runInfo } from "../../../../test/support/policies.ts";

/** As the identity: the sum is of the changes themselves. */
const IDENTITY = [0, 0, 0, 1, 0];
const policy = (options: Record<string, unknown> = {}, steps = 8) =>
  policyFor({ policy: "teacache", coefficients: IDENTITY, threshold: 0.1, ...options }, steps);

describe("TeaCache's rule, worked out by hand", () => {
  it("adds up the changes of consecutive steps until they reach the threshold; first and last are computed", () => {
    // Sums: 0.04, 0.08, 0.12 → computed; 0.06, 0.10 → computed, as it is not below; 0.09.
    const changes = [[], [0.04], [0.04], [0.04], [0.06], [0.04], [0.09], []];
    const steps = decide(policy(), runInfo(8), changes);
    expect(maskOf(steps)).toBe("10010101");
    expect(steps.map(({ decision }) => decision?.mode)).toEqual(
      "full step step full step full step full".split(" "),
    );
    expect(steps[2]?.decision?.values?.sum).toBeCloseTo(0.08, 12);
    expect(steps[2]?.decision?.margin).toBeCloseTo(0.2, 12);
    expect(steps[0]?.decision).toEqual({ mode: "full" });
  });

  it("lets each branch decide for itself", () => {
    const both = runInfo(4, { branches: ["cond", "uncond"] });
    const steps = decide(policy({}, 4), both, [[], [0.02, 0.2], [0.02, 0.02], []]);
    expect([maskOf(steps), maskOf(steps, "uncond")]).toEqual(["1001", "1101"]);
    expect(steps[1]?.decision).toMatchObject({
      mode: "mixed",
      values: { cond_sum: 0.02, uncond_sum: 0.2 },
    });
    expect(steps[1]?.decision?.margin).toBeCloseTo(0.8, 12);
  });

  it("retains the first steps and may leave the last one to the rule", () => {
    const options = { retained_steps: 3, force_last: false };
    const steps = decide(policy(options, 6), runInfo(6), [[], [], [], [0.05], [0.04], [0.005]]);
    expect(maskOf(steps)).toBe("111000");
  });

  it("begins anew with another expert", () => {
    const steps = decide(policy({}, 6), runInfo(6, { switchAt: 3 }), [[], [0.04], [0.04], [], [0.09], []]);
    expect(maskOf(steps)).toBe("100101");
  });

  it("retains the first steps of that expert, too", () => {
    const changes = [[], [], [0.04], [], [], [0.04], [0.04], []];
    const steps = decide(policy({ retained_steps: 2 }), runInfo(8, { switchAt: 3 }), changes);
    expect(maskOf(steps)).toBe("11011001");
  });

  it("computes where the change is not a number", () => {
    const steps = decide(policy({}, 4), runInfo(4), [[], [Number.NaN], [0.04], []]);
    expect(maskOf(steps)).toBe("1101");
  });
});

describe("the polynomial", () => {
  it("has its highest power first, and is never less than 0", () => {
    // 2x⁴ + 3x³ − x² + x − 0.1 at 0.5 and at 0.
    const coefficients = [2, 3, -1, 1, -0.1];
    const steps = decide(policy({ coefficients, threshold: 9 }, 4), runInfo(4), [[], [0.5], [0], []]);
    expect(steps[1]?.decision?.values?.sum).toBeCloseTo(0.125 + 0.375 - 0.25 + 0.5 - 0.1, 12);
    expect(steps[2]?.decision?.values?.sum).toBe(steps[1]?.decision?.values?.sum);
  });

  it("is not asked beyond the range that it was fitted on", () => {
    const fitted = { coefficients: IDENTITY, range: [0.02, 0.06] as [number, number], r2: 1 };
    const profile = handmadeProfile(4, { polynomials: { modulated_input: fitted } });
    const fromProfile = policyFor({ policy: "teacache", threshold: 9 }, 4, profile);
    expect(fromProfile.requires.signals).toEqual(["modulated_input"]);
    const steps = decide(fromProfile, runInfo(4), [[], [0.001], [0.5], []]);
    expect(steps[1]?.decision?.values?.sum).toBeCloseTo(0.02, 12);
    expect(steps[2]?.decision?.values?.sum).toBeCloseTo(0.08, 12);
  });
});

describe("its signal", () => {
  it("is the bundle's first that the profile knows, or the one that is asked for", () => {
    const profile = handmadeProfile(4);
    expect(policyFor({ policy: "teacache" }, 4, profile).requires.signals).toEqual(["timestep_embedding"]);
    const asked = policyFor({ policy: "teacache", signal: "modulated_input" }, 4, profile);
    expect(asked.requires.signals).toEqual(["modulated_input"]);
  });

  it("has to be one of the bundle's, and to have a polynomial", () => {
    expect(() => policy({ signal: "noise" })).toThrow(
      /no signal noise; it has timestep_embedding, modulated_input/,
    );
    expect(() => policyFor({ policy: "teacache" }, 4)).toThrowError(
      expect.objectContaining({
        code: "profile_missing",
        message: expect.stringMatching(/mixcache calibrate/),
      }),
    );
  });
});

it.each([1, 2, 4])("works in %i steps", (steps) => {
  const scalars = Array.from({ length: steps }, (_, step) =>
    step === 0 || step === steps - 1 ? [] : [0.01],
  );
  expect(maskOf(decide(policy({}, steps), runInfo(steps), scalars))).toMatch(/^1(0*1)?$/);
});
