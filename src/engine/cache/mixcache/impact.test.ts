import { describe, expect, it } from "vitest";
import { runInfo } from "../../../../test/support/policies.ts";
import { impactOf } from "./impact.ts";

describe("the impact", () => {
  const run = runInfo(10, { branches: ["cond", "uncond"] });
  const impacts = { step: { steps: [2, 6], values: [1, 0.5] } };

  it("lies in a line between the probed steps, and stays as it is beyond them", () => {
    const at = (step: number) => impactOf(impacts, "step", run, step);
    expect([0, 2, 3, 6, 9].map(at)).toEqual([1, 1, 0.875, 0.5, 0.5]);
  });

  it("is guessed where nothing was measured: the path walked, and a tenth of it for guidance", () => {
    expect(impactOf(undefined, "step", run, 3)).toBeCloseTo(0.1, 12);
    expect(impactOf(impacts, "block", run, 3)).toBeCloseTo(0.1, 12);
    // Guidance scale 3: the difference counts twice.
    expect(impactOf(undefined, "cfg", run, 3)).toBeCloseTo(0.1 * 0.1 * 2, 12);
    expect(impactOf({ step: { steps: [], values: [] } }, "step", run, 3)).toBeCloseTo(0.1, 12);
  });
});
