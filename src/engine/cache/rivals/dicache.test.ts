import { describe, expect, it } from "vitest";
import { decide, maskOf, policyFor, runInfo } from "../../../../test/support/policies.ts";

const policy = (options: Record<string, unknown> = {}, steps = 10) =>
  policyFor({ policy: "dicache", threshold: 0.1, ...options }, steps);

describe("DiCache's rule, worked out by hand", () => {
  // A fifth of the steps is retained: 0 and 1. Sums: 0.04, 0.08, 0.13 → computed, 0.09, 0.11 → computed, …
  const scalars = [
    [],
    [],
    [0.04, 3, 2],
    [0.04, 5, 2],
    [0.05],
    [0.09, 1, 2],
    [0.02],
    [0.05, 0, 0],
    [0.2],
    [0.01, 3, 2],
  ];

  it("adds up the changes behind the probe, and resumes where they reach the threshold", () => {
    const steps = decide(policy(), runInfo(10), scalars);
    expect(maskOf(steps)).toBe("1100101010");
    expect(steps[3]?.decision?.values?.sum).toBeCloseTo(0.08, 12);
    expect(steps[4]?.decision?.values).toEqual({ sum: expect.closeTo(0.13, 12) });
  });

  it("aligns the residual by how far the probe has come: γ between 1 and 2", () => {
    const steps = decide(policy(), runInfo(10), scalars);
    expect(steps.map(({ decision }) => decision?.values?.gamma)).toEqual([
      undefined,
      undefined,
      1.5,
      2,
      undefined,
      1,
      undefined,
      1,
      undefined,
      1.5,
    ]);
    const terms = steps.map(({ branches }) =>
      branches.cond?.kind === "reuse"
        ? branches.cond.prediction.terms.map(({ age, coefficient }) => [age, coefficient])
        : [],
    );
    expect(terms[2]).toEqual([
      [0, 1.5],
      [1, -0.5],
    ]);
    expect(terms[5]).toEqual([[0, 1]]);
  });

  it("reuses as it is what it has computed only once, as after a switch of experts", () => {
    const experts = runInfo(10, { switchAt: 5 });
    const steps = decide(policy({ retention_ratio: 0 }), experts, [
      [],
      [0.01],
      [0.2],
      [0.01, 3, 2],
      [0.01, 3, 2],
      [],
      [0.01],
      [0.01],
      [0.01],
      [0.01],
    ]);
    expect(maskOf(steps)).toBe("1010010000");
    expect(steps.map(({ decision }) => decision?.values?.gamma !== undefined)).toEqual([
      false,
      false,
      false,
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it("lets each branch decide for itself", () => {
    const both = runInfo(4, { branches: ["cond", "uncond"] });
    const options = { retention_ratio: 0 };
    const steps = decide(policy(options, 4), both, [
      [],
      [0.2, 0.01],
      [0.01, 3, 2, 0.2],
      [0.01, 3, 2, 0.01, 3, 2],
    ]);
    expect([maskOf(steps), maskOf(steps, "uncond")]).toEqual(["1100", "1010"]);
  });
});

it("probes as many blocks as it is told, where the bundle can be cut", () => {
  expect(policy({ probe_depth: 3 }).requires).toMatchObject({
    keep: [{ part: { kind: "blocks", from: 0, to: 3 }, depth: 2 }, { depth: 2 }],
    cuts: [3],
  });
  expect(() => policy({ probe_depth: 8 })).toThrow(/can be stopped after 1, 2, 3, 4, 5, 6, 7 blocks/);
});

it.each([1, 2, 4])("works in %i steps", (steps) => {
  const scalars = Array.from({ length: steps }, (_, step) => (step === 0 ? [] : [0.01]));
  expect(maskOf(decide(policy({}, steps), runInfo(steps), scalars))).toBe(`1${"0".repeat(steps - 1)}`);
});
