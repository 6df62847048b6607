import { describe, expect, it } from "vitest";
import { decide, policyFor, runInfo, silent } from "../../../../test/support/policies.ts";
import type { Branch, Prediction } from "../contract.ts";
import type { CacheRequest } from "../request.ts";

const BOTH: readonly Branch[] = ["cond", "uncond"];
const SHORT: Record<string, string> = { full: "F", cfg: "c", attention: "a", "cfg+attention": "ca" };

function plans(options: Omit<CacheRequest, "policy">, steps: number, branches: readonly Branch[] = BOTH) {
  const policy = policyFor({ policy: "fastercache", ...options }, steps);
  return decide(policy, runInfo(steps, { branches }), silent(steps));
}

function schedule(
  options: Omit<CacheRequest, "policy">,
  steps: number,
  branches?: readonly Branch[],
): string {
  return plans(options, steps, branches)
    .map(({ decision }) => SHORT[decision?.mode ?? ""])
    .join(" ");
}

/** What stands in for the unconditional output at a step. */
function delta(options: Omit<CacheRequest, "policy">, steps: number, step: number): Prediction {
  const plan = plans(options, steps)[step]?.branches.uncond;
  if (plan?.kind !== "reuse") throw new Error("uncond is not reused");
  return plan.prediction;
}

describe("fastercache", () => {
  it("with 20 steps skips by diffusers' windows and ranges", () => {
    // Timesteps 1000, 950, …: attention from 650 (step 7) on, the unconditional branch from 600 (step 8) on. Steps 10
    // and 15 run both branches in full; at 7 both run, so attention does, too.
    const wanted = ["F F F F F F F F", "c ca F ca c ca c F c ca c ca"];
    expect(schedule({}, 20)).toBe(wanted.join(" "));
  });

  it("with each half alone", () => {
    expect(schedule({ attention: false }, 20)).toBe("F F F F F F F F c c F c c c c F c c c c");
    expect(schedule({ cfg: false }, 20)).toBe("F F F F F F F a F a F a F a F a F a F a");
    expect(schedule({ cfg: false }, 20, ["cond"])).toBe("F F F F F F F a F a F a F a F a F a F a");
    expect(schedule({}, 20, ["cond"])).toBe("F F F F F F F a F a F a F a F a F a F a");
  });

  it("lets the weight of each band grow within its window, from 1 at every full step", () => {
    // Steps 11 … 14: timesteps 450 … 300; high frequencies count from 300 on.
    const terms = (step: number) =>
      delta({}, 20, step).terms.map(({ band, coefficient }) => [band, Number(coefficient.toFixed(6))]);
    expect(terms(11)).toEqual([
      ["low", 1.1],
      ["high", 1],
    ]);
    expect(terms(13)).toEqual([
      ["low", 1.331],
      ["high", 1],
    ]);
    expect(terms(14)).toEqual([
      ["low", 1.4641],
      ["high", 1.1],
    ]);
    expect(terms(16)).toEqual([[undefined, 1.1]]);
    expect(terms(19)).toEqual([
      ["low", 1.331],
      ["high", 1.4641],
    ]);
  });

  it("extrapolates attention from the two latest that were computed", () => {
    const cond = plans({}, 20)[9]?.branches.cond;
    if (cond?.kind !== "modules") throw new Error("cond reuses no modules");
    expect(cond.reuse[0]?.part.modules).toEqual(["self_attn"]);
    expect(cond.reuse[0]?.prediction.terms).toMatchObject([
      { branch: "cond", age: 0, coefficient: 1.5 },
      { branch: "cond", age: 1, coefficient: -0.5 },
    ]);
  });

  it("keeps the conditional branch's attention only, unless the other is never skipped", () => {
    const keep = (options: Omit<CacheRequest, "policy">) =>
      policyFor({ policy: "fastercache", ...options }, 20).requires.keep.map(({ part, branches }) => [
        part.kind,
        branches,
      ]);
    expect(keep({})).toEqual([
      ["modules", ["cond"]],
      ["guidance_delta", undefined],
    ]);
    expect(keep({ cfg: false })).toEqual([["modules", undefined]]);
    expect(keep({ attention: false })).toEqual([["guidance_delta", undefined]]);
  });

  it("refuses to do nothing", () => {
    expect(() => policyFor({ policy: "fastercache", attention: false, cfg: false }, 20)).toThrow(
      /nothing to reuse/,
    );
  });

  it("begins anew with another expert", () => {
    const policy = policyFor({ policy: "fastercache", below_timestep: 1001 }, 8);
    const modes = decide(policy, runInfo(8, { branches: BOTH, switchAt: 4 }), silent(8)).map(
      ({ decision }) => SHORT[decision?.mode ?? ""],
    );
    expect(modes.join(" ")).toBe("F ca c ca F ca c ca");
  });
});
