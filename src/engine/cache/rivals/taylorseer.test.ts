import { describe, expect, it } from "vitest";
import { decide, policyFor, runInfo, silent } from "../../../../test/support/policies.ts";
import type { CacheRequest } from "../request.ts";

/** "F" for a computed step, else how far it is from the last one. */
function schedule(options: Omit<CacheRequest, "policy">, steps: number, switchAt?: number): string {
  const policy = policyFor({ policy: "taylorseer", ...options }, steps);
  const plans = decide(policy, runInfo(steps, switchAt === undefined ? {} : { switchAt }), silent(steps));
  return plans.map(({ decision }) => decision?.values?.distance ?? "F").join("");
}

describe("taylorseer", () => {
  it.each([
    ["as published", {}, "F1234F1234F1"],
    ["with three steps computed first", { first_enhance: 3, interval: 4 }, "FFF123F123F1"],
    [
      "as diffusers with disable_cache_before_step 3 and cache_interval 3",
      { first_enhance: 3, interval: 3, first_interval: 2 },
      "FFF1F12F12F1",
    ],
    ["with the last two steps computed", { last_full: 2 }, "F1234F1234FF"],
    ["with an interval of 1", { interval: 1 }, "FFFFFFFFFFFF"],
  ])("%s", (_, options, wanted) => {
    expect(schedule(options, 12)).toBe(wanted);
  });

  it("begins anew with another expert, and runs few steps", () => {
    expect(schedule({}, 9, 4)).toBe("F123F1234");
    expect(schedule({}, 1)).toBe("F");
    expect(schedule({}, 2)).toBe("F1");
  });

  it("predicts every module of each branch from the two newest results", () => {
    const policy = policyFor({ policy: "taylorseer", interval: 3 }, 6);
    const [, , , , fifth] = decide(policy, runInfo(6, { branches: ["cond", "uncond"] }), silent(6));
    const part = { kind: "modules", modules: ["self_attn", "cross_attn", "ff"], from: 0, to: 8 };
    expect(policy.requires.keep).toEqual([{ part, depth: 2 }]);
    const [newest, older] = [1 + 1 / 3, -1 / 3];
    for (const branch of ["cond", "uncond"] as const) {
      const plan = fifth?.branches[branch];
      if (plan?.kind !== "modules") throw new Error(`${branch} reuses no modules`);
      expect(plan.reuse[0]?.part).toEqual(part);
      expect(plan.reuse[0]?.prediction.terms).toMatchObject([
        { branch, age: 0 },
        { branch, age: 1 },
      ]);
      const coefficients = plan.reuse[0]?.prediction.terms.map(({ coefficient }) => coefficient);
      expect(coefficients?.[0]).toBeCloseTo(newest, 12);
      expect(coefficients?.[1]).toBeCloseTo(older, 12);
    }
  });

  it("predicts the residual of the stack where that is asked for", () => {
    const policy = policyFor({ policy: "taylorseer", granularity: "stack", order: 2 }, 6);
    expect(policy.requires.keep).toEqual([{ part: { kind: "stack" }, depth: 3 }]);
    expect(decide(policy, runInfo(6), silent(6))[1]?.branches.cond).toMatchObject({
      kind: "reuse",
      part: { kind: "stack" },
      prediction: { terms: [{ age: 0, coefficient: 1 }] },
    });
  });

  it("refuses an option that it does not know", () => {
    expect(() => policyFor({ policy: "taylorseer", interval: 0 }, 6)).toThrow(/interval/);
    expect(() => policyFor({ policy: "taylorseer", fresh: 1 }, 6)).toThrow(/taylorseer/);
  });
});
