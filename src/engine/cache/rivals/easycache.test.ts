import { describe, expect, it } from "vitest";
import { decide, maskOf, policyFor, runInfo } from "../../../../test/support/policies.ts";

const policy = (steps: number, options: Record<string, unknown> = {}) =>
  policyFor({ policy: "easycache", threshold: 0.1, warmup_steps: 2, ...options }, steps);

/**
 * The rule without the frame: from step to step how far the latents move, the output's magnitude, and how far output
 * and latents are from those of the computed step before.
 */
function transcript(steps: number, warmup: number, threshold: number, world: World): string {
  let k: number | undefined;
  let sum = 0;
  let computed = false;
  let mask = "";
  for (let i = 0; i < steps; i++) {
    let skip = false;
    if (i >= warmup && i < steps - 1 && k !== undefined) {
      sum += (k * world.moved(i)) / world.magnitude(i);
      skip = sum < threshold;
    }
    if (!skip) {
      sum = 0;
      if (computed) k = world.output(i) / world.input(i);
      computed = true;
    }
    mask += skip ? "0" : "1";
  }
  return mask;
}

type World = Record<"moved" | "magnitude" | "output" | "input", (step: number) => number>;

/** What the policy is to be told in each step of a run whose mask is known. */
function scalarsOf(mask: string, warmup: number, world: World): number[][] {
  let computed = 0;
  return [...mask].map((digit, i) => {
    const asked =
      i >= warmup && i < mask.length - 1 && computed >= 2 ? [world.moved(i), world.magnitude(i)] : [];
    const after = digit === "1" && computed >= 1 ? [world.output(i), world.input(i)] : [];
    if (digit === "1") computed += 1;
    return [...asked, ...after];
  });
}

describe("EasyCache's rule", () => {
  it("worked out by hand", () => {
    // k = 0.5 / 0.25 = 2 after step 1; changes 2 · 0.02 / 1 = 0.04: sums 0.04, 0.08, 0.12 → computed.
    const steps = decide(policy(7), runInfo(7), [
      [],
      [0.5, 0.25],
      [0.02, 1],
      [0.02, 1],
      [0.02, 1, 0.3, 0.1],
      [0.02, 1],
      [0.3, 0.1],
    ]);
    expect(maskOf(steps)).toBe("1100101");
    expect(steps[3]?.decision?.values).toEqual({ sum: 0.08, rate: 2 });
    // k = 3 after step 4.
    expect(steps[5]?.decision?.values?.sum).toBeCloseTo(0.06, 12);
  });

  it("as a transcript of it, over a longer run", () => {
    const world: World = {
      moved: (i) => 0.02 + 0.01 * Math.sin(i),
      magnitude: (i) => 0.8 + 0.1 * Math.cos(i),
      output: (i) => 0.2 + 0.05 * Math.sin(2 * i),
      input: (i) => 0.1 + 0.03 * Math.cos(3 * i),
    };
    const mask = transcript(40, 8, 0.2, world);
    expect(mask).toMatch(/00+1/);
    const steps = decide(
      policy(40, { warmup_steps: 8, threshold: 0.2 }),
      runInfo(40),
      scalarsOf(mask, 8, world),
    );
    expect(maskOf(steps)).toBe(mask);
  });

  it("decides on cond for both branches, and takes the latents plus what the model last added to them", () => {
    const both = runInfo(4, { branches: ["cond", "uncond"] });
    const steps = decide(policy(4), both, [[], [0.5, 0.25], [0.02, 1], [0.5, 0.25]]);
    expect([maskOf(steps), maskOf(steps, "uncond")]).toEqual(["1101", "1101"]);
    expect(steps[2]?.branches.uncond).toEqual({
      kind: "reuse",
      part: { kind: "output" },
      prediction: {
        terms: [
          { part: { kind: "output" }, branch: "uncond", age: 0, coefficient: 1 },
          { part: { kind: "input" }, branch: "uncond", age: 0, coefficient: -1 },
        ],
        latents: 1,
      },
    });
  });

  it("begins anew with another expert: it needs two computed steps to know how the output follows", () => {
    const steps = decide(policy(8), runInfo(8, { switchAt: 4 }), [
      [],
      [0.5, 0.25],
      [0.01, 1],
      [0.01, 1],
      [],
      [0.5, 0.25],
      [0.01, 1],
      [0.5, 0.25],
    ]);
    expect(maskOf(steps)).toBe("11001101");
  });
});

describe("its warm-up", () => {
  it("is 10 of 50 steps, or as large a part of fewer", () => {
    const first = (steps: number) => {
      const ask = (step: number) => (step === steps - 1 ? [] : [0, 1]);
      const warm = Math.max(2, Math.round(steps / 5));
      const scalars = Array.from({ length: steps }, (_, i) => {
        const after = i > 0 && (i < warm || i === steps - 1) ? [0.5, 0.25] : [];
        return [...(i >= warm ? ask(i) : []), ...after];
      });
      const mask = maskOf(decide(policyFor({ policy: "easycache" }, steps), runInfo(steps), scalars));
      return mask.indexOf("0");
    };
    expect([first(50), first(20), first(10)]).toEqual([10, 4, 2]);
  });
});

it.each([1, 2])("works in %i steps", (steps) => {
  const scalars = [[], [0.5, 0.25]].slice(0, steps);
  expect(maskOf(decide(policyFor({ policy: "easycache" }, steps), runInfo(steps), scalars))).toBe(
    "1".repeat(steps),
  );
});
