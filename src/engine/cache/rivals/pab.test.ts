import { describe, expect, it } from "vitest";
import { decide, policyFor, runInfo, silent } from "../../../../test/support/policies.ts";
import type { CacheRequest } from "../request.ts";

/** Of each step the first letters of what is reused, or F. */
function schedule(options: Omit<CacheRequest, "policy">, steps: number, switchAt?: number): string[] {
  const policy = policyFor({ policy: "pab", ...options }, steps);
  const plans = decide(policy, runInfo(steps, switchAt === undefined ? {} : { switchAt }), silent(steps));
  return plans.map(({ decision }) =>
    decision?.mode === "full"
      ? "F"
      : (decision?.mode ?? "")
          .split("+")
          .map((kind) => kind.slice(0, 1))
          .join(""),
  );
}

describe("pab", () => {
  it("reuses self-attention for one step and cross-attention for five, between its timesteps", () => {
    // Timesteps 1000, 900, … 100: inside are the steps 3 (700) to 8 (200).
    expect(schedule({}, 10)).toEqual(["F", "F", "F", "sc", "c", "sc", "F", "sc", "c", "F"]);
  });

  it("counts from the first step of each expert", () => {
    const wide = { timesteps: [-1, 1001], cross_attention_range: 1 };
    expect(schedule(wide, 8, 3)).toEqual(["F", "s", "F", "F", "s", "F", "s", "F"]);
  });

  it("reuses feed-forwards in the first blocks if asked to", () => {
    const options = { feed_forward_range: 2, feed_forward_blocks: 5, cross_attention_range: 1 };
    const policy = policyFor({ policy: "pab", ...options }, 10);
    expect(policy.requires.keep).toEqual([
      { part: { kind: "modules", modules: ["self_attn"], from: 0, to: 8 }, depth: 1, refresh: "computed" },
      { part: { kind: "modules", modules: ["ff"], from: 0, to: 5 }, depth: 1, refresh: "computed" },
    ]);
    expect(schedule(options, 10)[3]).toBe("sf");
  });

  it("reuses the newest result of each branch as it is", () => {
    const policy = policyFor({ policy: "pab", timesteps: [-1, 1001] }, 4);
    const plan = decide(policy, runInfo(4, { branches: ["cond", "uncond"] }), silent(4))[2]?.branches.uncond;
    if (plan?.kind !== "modules") throw new Error("uncond reuses no modules");
    expect(plan.reuse.map(({ part }) => part.modules)).toEqual([["cross_attn"]]);
    expect(plan.reuse[0]?.prediction.terms).toMatchObject([{ branch: "uncond", age: 0, coefficient: 1 }]);
  });

  it("computes all of a run whose ranges are 1, and of one step", () => {
    const off = { self_attention_range: 1, cross_attention_range: 1 };
    expect(schedule(off, 6)).toEqual(["F", "F", "F", "F", "F", "F"]);
    expect(schedule({}, 1)).toEqual(["F"]);
  });
});
