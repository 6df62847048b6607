import { describe, expect, it } from "vitest";
import {
  answered,
  decide,
  handmadeProfile,
  policyFor,
  runInfo,
  silent,
} from "../../../../test/support/policies.ts";
import type { Measurement, RunInfo } from "../contract.ts";
import type { Profile } from "../profile.ts";

const BRANCHES = ["cond", "uncond"] as const;

/** One letter for each step: f(ull), s(tep), c(fg), b(lock). */
function modes(
  options: object,
  run: RunInfo,
  answer: (measurement: Measurement, step: number) => number,
  profile?: Profile,
): string {
  const policy = answered(policyFor({ policy: "mixcache", ...options }, run.steps, profile), answer);
  return decide(policy, run, silent(run.steps))
    .map(({ decision }) => decision?.mode[0])
    .join("");
}

const isChange = ({ a, b }: Measurement) => a.of === "part" && b.of === "kept";

describe("a run", () => {
  const run = runInfo(20, { branches: BRANCHES });

  it("waits for this prompt to settle: two steps in a row of little change", () => {
    // Early steps are cheap to reuse, so that only the trigger holds them back.
    const impact = { steps: [0, 19], values: [0.1, 1] };
    const profile = handmadeProfile(20, { impacts: { step: impact, cfg: impact, block: impact } });
    const settlingAt = (settled: number) =>
      modes(
        { speed: 1.5 },
        run,
        (measurement, step) => (isChange(measurement) ? (step < settled ? 0.5 : 0.001) : 0.02),
        profile,
      ).search(/[^f]/);
    expect(settlingAt(0)).toBeLessThan(settlingAt(4));
    // Whatever the prompt does, the budget has to be met.
    expect(settlingAt(99)).toBeLessThanOrEqual(6);
  });

  it("spends its full steps where this prompt is rough", () => {
    const late = (rough: boolean) =>
      modes(
        { speed: 2, granularities: ["step"], trigger: false },
        runInfo(40, { branches: BRANCHES }),
        (measurement, step) => (isChange(measurement) ? 0.01 : rough === step > 20 ? 0.09 : 0.01),
        handmadeProfile(40),
      )
        .slice(22)
        .replaceAll(/[^f]/g, "").length;
    expect(late(true)).toBeGreaterThanOrEqual(late(false));
  });

  it("by feedback computes more where predictions fail and less where they hold, by blocks as by steps", () => {
    for (const granularities of [["step"], ["cfg"], ["block"]]) {
      const failing = (factor: number) =>
        modes({ quality: 1, granularities, trigger: false }, run, (measurement, step) =>
          isChange(measurement) ? 0.01 : step < 3 ? 0.02 : 0.02 * factor,
        );
      const count = (modes: string) => modes.replaceAll(/[^f]/g, "").length;
      expect(count(failing(3)), `${granularities}`).toBeGreaterThan(count(failing(1)));
      expect(count(failing(1)), `${granularities}`).toBeGreaterThan(count(failing(0.3)));
    }
  });

  it("reuses one granularity at a time, and another one after it where repeating is dear", () => {
    const mixed = modes({ speed: 1.5, decision: "penalty", repeat_penalty: 5 }, run, () => 0.02);
    expect(mixed).not.toMatch(/ss|cc|bb/);
    expect(new Set(mixed).size).toBeGreaterThan(2);
  });

  it("without classifier-free guidance never reuses its difference", () => {
    const policy = { speed: 2, granularities: ["step", "block"] };
    expect(modes(policy, runInfo(20), () => 0.02)).not.toContain("c");
  });

  it.each([5, 6, 7, 8])("of %i steps follows the fixed mask, whatever is measured", (steps) => {
    const short = runInfo(steps, { branches: BRANCHES });
    expect(modes({ speed: 3 }, short, () => 9)).toBe(modes({ speed: 1.2 }, short, () => 0.001));
    expect(modes({ speed: 3 }, short, () => 9)).toMatch(/^f+([^f]f)+f?$/);
  });

  it("forgets all of an expert when another one takes over", () => {
    const experts = runInfo(30, { branches: BRANCHES, switchAt: 12 });
    const second = (first: number) =>
      modes({ quality: 2 }, experts, (_, step) => (step < 12 ? first : 0.02 + 0.001 * step)).slice(12);
    expect(second(0.001)).toBe(second(5));
    expect(second(5).startsWith("ff")).toBe(true);
    expect(second(5)).toMatch(/[^f]/);
  });

  it("corrects at full steps after predicted ones, with Euler's scheduler only", () => {
    const corrections = (scheduler: string, options: object) => {
      const policy = policyFor({ policy: "mixcache", speed: 2, granularities: ["step"], ...options }, 20);
      const seen: number[] = [];
      const start: typeof policy.start = (info) => {
        const started = policy.start(info);
        const correct = started.correct?.bind(started);
        started.correct = (step) => {
          const correction = correct?.(step);
          if (correction) seen.push(step.index);
          return correction;
        };
        return started;
      };
      const steps = decide(
        answered({ ...policy, start }, () => 0.02),
        { ...run, scheduler },
        silent(20),
      );
      const mends = steps.flatMap(({ decision }, step) =>
        decision?.mode === "full" && steps[step - 1]?.decision?.mode === "step" ? [step] : [],
      );
      return { seen, mends };
    };
    const { seen, mends } = corrections("flow_match_euler", {});
    expect(mends.length).toBeGreaterThan(2);
    expect(seen).toEqual(mends);
    expect(corrections("unipc", {}).seen).toEqual([]);
    expect(corrections("flow_match_euler", { correction: false }).seen).toEqual([]);
  });
});
