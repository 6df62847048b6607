import { describe, expect, it } from "vitest";
import {
  answered,
  decide,
  handmadeProfile,
  policyFor,
  runInfo,
  silent,
} from "../../../../test/support/policies.ts";
import { numbersFrom } from "../../../../test/support/predictions.ts";
import type { RunInfo } from "../contract.ts";
import type { Profile } from "../profile.ts";
import type { Replayed } from "../replay.ts";
import { affordableWait, leastCost, MOST_STEPS_REUSED, paysForAll, type Spending, spend } from "./budget.ts";
import type { Granularity } from "./granularity.ts";

const COSTS = { full: 1, step: 0, cfg: 0.5, block: 0.25 } as const;
const BRANCHES = ["cond", "uncond"] as const;

function modesOf(steps: readonly Replayed[]): readonly (keyof typeof COSTS)[] {
  return steps.map(({ decision }) => (decision?.mode ?? "full") as keyof typeof COSTS);
}

describe("spending", () => {
  /** Errors grow with the lag; step 5 is dear to predict. */
  const spending = (changes: Partial<Spending> = {}): Spending => ({
    from: 1,
    steps: 10,
    budget: 3,
    mustCompute: () => false,
    menus: [["step"]],
    before: undefined,
    choose: (_, step, lag) => ({ granularity: "step", error: step === 5 ? 10 : lag, cost: 0 }),
    ...changes,
  });
  const full = (changes: Partial<Spending>) => [...spend(spending(changes)).full];

  it("puts the full steps where errors are largest, the last step among them", () => {
    expect(full({})).toEqual([3, 5, 9]);
    for (const budget of [8, 7.5]) {
      expect(full({ budget })).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
      expect(paysForAll(budget, 8)).toBe(true);
    }
    expect(full({ budget: 7.4 })).toHaveLength(7);
    expect(paysForAll(7.4, 8)).toBe(false);
  });

  it("computes what has to be computed, though the budget be too small", () => {
    expect(full({ budget: 0, mustCompute: (step) => step === 4 })).toEqual([4, 9]);
    expect(full({ budget: 0, steps: 30 }).length).toBe(Math.ceil(28 / (MOST_STEPS_REUSED + 1)));
  });

  it("takes from the menu only what the budget allows", () => {
    const choose: Spending["choose"] = (menu) =>
      menu.includes("block")
        ? { granularity: "block", error: 0.1, cost: 0.25 }
        : { granularity: "step", error: 1, cost: 0 };
    const menus: Spending["menus"] = [["step"], ["step", "block"]];
    expect(spend(spending({ choose, menus, budget: 4 })).menu).toEqual(["step", "block"]);
    expect(spend(spending({ choose, menus, budget: 1 })).menu).toEqual(["step"]);
  });

  it("counts what a step will really reuse, after what was reused before it", () => {
    // Alternates, as the factor against repeating makes it.
    const choose: Spending["choose"] = (_menu, _step, _lag, before) =>
      before === "step"
        ? { granularity: "cfg", error: 1, cost: 0.5 }
        : { granularity: "step", error: 1, cost: 0 };
    const plan = spend(spending({ choose, menus: [["step", "cfg"]], budget: 3.5, before: "step" }));
    const cheap = 8 - plan.full.size;
    expect(plan.cost).toBe(plan.full.size + 0.5 * Math.ceil(cheap / 2));
    expect(plan.cost).toBeLessThanOrEqual(4);
  });

  it("knows the least that all can cost, and how long a start can wait", () => {
    const rest = { from: 0, steps: 20, mustCompute: (step: number) => step === 3 };
    // 3, then leaps of 9: 12 and the last.
    expect(leastCost(rest, 0)).toEqual({ full: 3, cost: 3 });
    expect(leastCost(rest, 0.5)).toEqual({ full: 3, cost: 3 + 0.5 * 16 });
    const wait = affordableWait(rest, 6, 0, 99);
    expect(wait + leastCost({ ...rest, from: wait }, 0).cost).toBeLessThanOrEqual(6);
    expect(affordableWait(rest, 6, 0, 2)).toBe(2);
    expect(affordableWait(rest, 1, 0, 99)).toBe(0);
  });
});

describe("a wanted speed is met", () => {
  const SETS: readonly (readonly Granularity[])[] = [
    ["step"],
    ["cfg"],
    ["block"],
    ["step", "cfg"],
    ["step", "block"],
    ["cfg", "block"],
    ["step", "cfg", "block"],
  ];
  const OPTIONS = [
    {},
    { decision: "penalty", repeat_penalty: 5 },
    { predictor: "reuse", adaptive: false },
    { trigger: false, predictor: "velocity" },
  ];

  /** Tables and deviations without any order in them. */
  function randomProfile(steps: number, random: () => number): Profile {
    const table = (scale: number) =>
      [1, 2, 3, 4, 5, 6].map((lag) =>
        Array.from({ length: steps }, (_, step) => (step > lag ? scale * lag * (0.2 + random()) : null)),
      );
    return handmadeProfile(steps, {
      deviations: { step: table(0.03), cfg: table(0.1 * random()), block: table(0.05 * random()) },
    });
  }

  /** The least that a run of these granularities can compute at all. */
  function floorOf(run: RunInfo, granularities: readonly Granularity[]): number {
    const firsts = run.denoisers.flatMap(({ steps: [from] }) => [from, from + 1]);
    const rest = { from: 0, steps: run.steps, mustCompute: (step: number) => firsts.includes(step) };
    return 1 + leastCost(rest, Math.min(...granularities.map((granularity) => COSTS[granularity]))).cost;
  }

  /** Within 5 %, or as near as whole steps come, or as little as these granularities can compute. */
  function expectMet(
    run: RunInfo,
    request: { readonly speed: number; readonly granularities: readonly Granularity[] },
    profile: Profile | undefined,
    random: () => number,
  ): void {
    const { steps } = run;
    const policy = policyFor({ policy: "mixcache", ...request }, steps, profile);
    const measured = answered(policy, () => 0.01 + 0.1 * random());
    const modes = modesOf(decide(measured, run, silent(steps)));
    const computed = modes.reduce((sum, mode) => sum + COSTS[mode], 0);
    const wanted = Math.max(steps / request.speed, floorOf(run, request.granularities));
    const about = `${JSON.stringify(request)} ${profile ? "profiled" : "without a profile"} ${modes}`;
    expect(Math.abs(computed - wanted), about).toBeLessThanOrEqual(Math.max(0.05 * wanted, 0.76));
  }

  const cases = [9, 10, 14, 20, 50, 100].flatMap((steps) =>
    [1.1, 1.3, 1.8, 2.5, 4].map((speed) => [steps, speed] as const),
  );

  it.each(cases)("%i steps, %f times, by every set of granularities", (steps, speed) => {
    const random = numbersFrom(1000 * steps + 10 * speed);
    const run = runInfo(steps, { branches: BRANCHES });
    for (const [place, granularities] of SETS.entries()) {
      const options = OPTIONS[(place + steps) % OPTIONS.length];
      for (const profile of [undefined, randomProfile(steps, random)])
        expectMet(run, { speed, granularities, ...options }, profile, random);
    }
  });

  it.each([1.1, 1.5, 2, 3])(
    "%f times: a step is looked at while another one may be reused, and no more",
    (speed) => {
      const random = numbersFrom(10 * speed);
      const asked: number[][] = [];
      const policy = policyFor({ policy: "mixcache", speed }, 50, randomProfile(50, random));
      const modes = modesOf(
        decide(
          answered(policy, () => 0.01 + 0.1 * random(), asked),
          runInfo(50, { branches: BRANCHES }),
          silent(50),
        ),
      );
      const lastReused = modes.findLastIndex((mode) => mode !== "full");
      const lastLooked = asked.findLastIndex((scalars) => scalars.length > 0);
      expect(lastLooked).toBeLessThanOrEqual(lastReused);
      expect(modes.slice(lastLooked + 1, lastReused).every((mode) => mode !== "full")).toBe(true);
    },
  );

  it.each([16, 40])("%i steps of two experts: what the second has to compute is put by for it", (steps) => {
    const random = numbersFrom(steps);
    for (const switchAt of [3, Math.round(steps / 3), steps - 4]) {
      const run = runInfo(steps, { branches: BRANCHES, switchAt });
      for (const speed of [1.2, 1.8, 2.5]) {
        for (const profile of [undefined, randomProfile(steps, random)])
          expectMet(run, { speed, granularities: ["step", "cfg", "block"] }, profile, random);
      }
    }
  });
});
