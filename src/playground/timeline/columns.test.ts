import { describe, expect, it } from "vitest";
import { columnsOf, countsOf, kindOf, type StepFacts, savedOf } from "./columns.ts";

const step = (index: number, mode: string, flops: number, more: Partial<StepFacts> = {}): StepFacts => ({
  index,
  mode,
  flops,
  full_flops: 100,
  ...more,
});

describe("a step's kind", () => {
  it.each([
    ["full", 1, "full"],
    ["step", 0, "step"],
    ["taylor", 0, "step"],
    ["cfg", 0.5, "cfg"],
    ["mixed", 0.5, "cfg"],
    ["block", 0.3, "block"],
    // TeaCache's stack: what lies before and after the blocks still runs.
    ["step", 0.02, "block"],
    ["self_attention+cross_attention", 0.8, "modules"],
  ])("%s with %f computed is %s", (mode, computed, kind) => {
    expect(kindOf(mode, computed)).toBe(kind);
  });
});

describe("columns", () => {
  const facts = [
    step(0, "full", 100),
    step(1, "step", 0, {
      sigma: 0.98,
      margin: 0.0429237,
      deviation: null,
      values: { lag: 1, budget: 8.111, score_step: 0.00053, threshold: null },
      duration_ms: 5.277,
      policy_ms: 1.2,
      branches: [
        { branch: "cond", plan: "reuse", flops: 0, duration_ms: 0 },
        { branch: "uncond", plan: "reuse", flops: 0, duration_ms: 0 },
      ],
    }),
    step(2, "block", 25),
  ];

  it("say in a sentence what each step was", () => {
    expect(columnsOf(facts, 20).map(({ label }) => label)).toEqual([
      "Step 1 of 20: full, 100 % computed",
      "Step 2 of 20: step, 0 % computed",
      "Step 3 of 20: block, 25 % computed",
    ]);
  });

  it("have every number of the trace that there is, and none that is not", () => {
    expect(columnsOf(facts, 20)[1]?.details).toEqual([
      { name: "Computed", value: "0 %" },
      { name: "Decision", value: "step" },
      { name: "Noise level", value: "0.98" },
      { name: "Margin to another decision", value: "0.0429" },
      { name: "Steps since computed", value: "1" },
      { name: "Budget left, in full steps", value: "8.11" },
      { name: "Score of reusing by step", value: "5.3e-4" },
      { name: "Time", value: "5.3 ms" },
      { name: "Of that, the cache's own", value: "1.2 ms" },
      { name: "With the prompt", value: "reuse" },
      { name: "Without the prompt", value: "reuse" },
    ]);
  });

  it("are counted by kind, in the order of the legend", () => {
    expect(countsOf(columnsOf([...facts, step(3, "step", 0)], 20))).toEqual([
      ["full", 1],
      ["block", 1],
      ["step", 2],
    ]);
  });

  it("tell what was saved", () => {
    expect(savedOf(facts)).toBeCloseTo(1 - 125 / 300);
    expect(savedOf([])).toBe(0);
  });
});
