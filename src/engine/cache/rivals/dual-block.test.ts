import { describe, expect, it } from "vitest";
import { decide, maskOf, policyFor, runInfo } from "../../../../test/support/policies.ts";

const both = (steps: number) => runInfo(steps, { branches: ["cond", "uncond"] });

describe("First Block Cache", () => {
  const fbcache = (options: Record<string, unknown> = {}) =>
    policyFor({ policy: "fbcache", threshold: 0.1, ...options }, 6);

  it("compares with the last computed step, adds nothing up, and has no rule but the threshold", () => {
    const steps = decide(fbcache(), runInfo(6), [[], [0.09], [0.09], [0.1], [0.05], [0.02]]);
    expect(maskOf(steps)).toBe("100100");
    expect(steps[2]?.decision).toEqual({
      mode: "block",
      values: { difference: 0.09 },
      margin: expect.closeTo(0.1, 12),
    });
    expect(steps[3]?.decision?.margin).toBe(0);
  });

  it("reuses all blocks but the first, and asks for its residual of now and of then", () => {
    const policy = fbcache();
    expect(policy.requires.keep).toEqual([
      { part: { kind: "blocks", from: 0, to: 1 }, depth: 1 },
      { part: { kind: "blocks", from: 1, to: 8 }, depth: 1 },
    ]);
    const probe = policy.start(runInfo(6)).plan({ index: 1, sigma: 0.8, sigmaNext: 0.6, denoiser: "main" });
    expect(probe).toMatchObject({
      kind: "probe",
      cut: 1,
      measure: [{ kind: "relative_l1", a: { of: "part" }, b: { of: "kept", age: 0 } }],
    });
    const [, second] = decide(policy, runInfo(6), [[], [0.01], [0.01], [0.01], [0.01], [0.01]]);
    expect(second?.branches.cond).toMatchObject({ part: { kind: "blocks", from: 1, to: 8 } });
  });

  it("lets each branch decide, or cond for both", () => {
    const scalars = [[], [0.2, 0.01], [0.01, 0.2], [0.01, 0.01], [0.01, 0.01], [0.01, 0.01]];
    const apart = decide(fbcache(), both(6), scalars);
    expect([maskOf(apart), maskOf(apart, "uncond")]).toEqual(["110000", "101000"]);
    const together = decide(
      fbcache({ per_branch: false }),
      both(6),
      scalars.map(([cond]) => (cond === undefined ? [] : [cond])),
    );
    expect([maskOf(together), maskOf(together, "uncond")]).toEqual(["110000", "110000"]);
  });

  it("computes the first step of another expert", () => {
    const experts = runInfo(6, { switchAt: 3 });
    expect(maskOf(decide(fbcache(), experts, [[], [0.01], [0.01], [], [0.01], [0.01]]))).toBe("100100");
  });
});

describe("DBCache", () => {
  const dbcache = (options: Record<string, unknown> = {}, steps = 8) =>
    policyFor({ policy: "dbcache", threshold: 0.1, max_warmup_steps: 2, ...options }, steps);
  const near = (mask: string) => [...mask].map((asked) => (asked === "?" ? [0.01] : []));

  it("warms up, and asks no more while it does", () => {
    expect(maskOf(decide(dbcache(), runInfo(8), near("11??????")))).toBe("11000000");
    const interval = dbcache({ max_warmup_steps: 5, warmup_interval: 2 });
    expect(maskOf(decide(interval, runInfo(8), near("1?1?1???")))).toBe("10101000");
  });

  it("warms up with every expert, counted from its own first step", () => {
    const interval = dbcache({ max_warmup_steps: 4, warmup_interval: 2 });
    const experts = runInfo(8, { switchAt: 3 });
    expect(maskOf(decide(interval, experts, near("1?11?1??")))).toBe("10110100");
  });

  it("has a most of reused steps in a row, and of all", () => {
    expect(maskOf(decide(dbcache({ max_continuous_cached_steps: 2 }), runInfo(8), near("11??1??1")))).toBe(
      "11001001",
    );
    expect(maskOf(decide(dbcache({ max_cached_steps: 3 }), runInfo(8), near("11???111")))).toBe("11000111");
  });

  it("starts counting anew in a row when the threshold has had a step computed", () => {
    const scalars = [[], [], [0.01], [0.5], [0.01], [0.01], [], [0.01]];
    expect(maskOf(decide(dbcache({ max_continuous_cached_steps: 2 }), runInfo(8), scalars))).toBe("11010010");
  });

  it("runs the first and the last blocks in any case", () => {
    const policy = dbcache({ fn_compute_blocks: 3, bn_compute_blocks: 2 });
    const steps = decide(policy, runInfo(8), near("11??????"));
    expect(steps[2]?.branches.cond).toMatchObject({ part: { kind: "blocks", from: 3, to: 6 } });
  });

  it("extrapolates the middle along the step index from the second computed step on", () => {
    const policy = dbcache({ taylor: 1, max_warmup_steps: 1 });
    expect(policy.requires.keep[1]?.depth).toBe(2);
    // Computed: 0, 3, 4. At 5: one step after 4, which came one after 3; at 6 two steps after.
    const scalars = [[], [0.01], [0.01], [0.5], [0.5], [0.01], [0.01], [0.5]];
    const steps = decide(policy, runInfo(8), scalars);
    const coefficients = steps.map(({ branches }) =>
      branches.cond?.kind === "reuse"
        ? branches.cond.prediction.terms.map(({ coefficient }) => coefficient)
        : [],
    );
    expect(coefficients).toEqual([[], [1], [1], [], [], [2, -1], [3, -2], []]);
  });

  it("divides by the distance of the computed steps", () => {
    const scalars = [[], [0.01], [0.01], [0.5], [0.01], [0.01], [0.01], [0.01]];
    const steps = decide(dbcache({ taylor: 1, max_warmup_steps: 1 }), runInfo(8), scalars);
    const plan = steps[5]?.branches.cond;
    const terms = plan?.kind === "reuse" ? plan.prediction.terms : [];
    // Computed: 0 and 3; step 5 is 2 later, of 3.
    expect(terms.map(({ coefficient }) => coefficient)).toEqual([
      expect.closeTo(1 + 2 / 3, 12),
      expect.closeTo(-2 / 3, 12),
    ]);
  });

  it("by default decides on a third of the blocks of a small model after 8 of 50 steps", () => {
    const policy = policyFor({ policy: "dbcache" }, 50);
    expect(policy.requires.keep.map(({ part }) => part)).toEqual([
      { kind: "blocks", from: 0, to: 2 },
      { kind: "blocks", from: 2, to: 8 },
    ]);
    const scalars = Array.from({ length: 50 }, (_, step) => (step < 8 ? [] : [0.01]));
    expect(maskOf(decide(policy, runInfo(50), scalars)).indexOf("0")).toBe(8);
  });

  it.each([
    ["fn_compute_blocks", { fn_compute_blocks: 9 }, /can be stopped after 1, 2, 3, 4, 5, 6, 7 blocks/],
    ["bn_compute_blocks", { fn_compute_blocks: 5, bn_compute_blocks: 3 }, /leaves a choice of 2, 1, 0/],
  ])("refuses %s where the bundle can't be cut, and says where it can", (field, options, sentence) => {
    expect(() => dbcache(options)).toThrowError(
      expect.objectContaining({ field: `cache.${field}`, message: expect.stringMatching(sentence) }),
    );
  });

  it.each([1, 2, 4])("works in %i steps", (steps) => {
    const policy = policyFor({ policy: "dbcache" }, steps);
    const scalars = Array.from({ length: steps }, (_, step) => (step === 0 ? [] : [0.01]));
    expect(maskOf(decide(policy, runInfo(steps), scalars))).toBe(`1${"0".repeat(steps - 1)}`);
  });
});
