import { describe, expect, it } from "vitest";
import { runInfo } from "../../../../test/support/policies.ts";
import { impactsOf } from "./impact.ts";

describe("the impact", () => {
  const run = runInfo(10, { branches: ["cond", "uncond"] });
  const impacts = { step: { steps: [2, 6], values: [1, 0.5] } };

  it("lies in a line between the probed steps, per way walked, and stays as it is beyond them", () => {
    const all = impactsOf(impacts, "step", run);
    const evenly = [0, 2, 3, 6, 8].map((step) => all[step]);
    for (const [i, value] of [1, 1, 0.875, 0.5, 0.5].entries()) expect(evenly[i]).toBeCloseTo(value, 12);
    const uneven = { ...run, sigmas: run.sigmas.map((sigma, step) => (step > 3 ? sigma / 2 : sigma)) };
    // The way from step 4 to 5 is half of the others.
    expect(impactsOf(impacts, "step", uneven)[4]).toBeCloseTo(Number(all[4]) / 2 + 0.125, 1);
  });

  it("does not ask the last step, in which an error can't be mended", () => {
    const withLast = { step: { steps: [2, 6, 9], values: [1, 0.5, 50] } };
    expect(impactsOf(withLast, "step", run)[8]).toBeCloseTo(0.5, 12);
  });

  it("is guessed where nothing was measured: the path walked, and a tenth of it for guidance", () => {
    expect(impactsOf(undefined, "step", run)[3]).toBeCloseTo(0.1, 12);
    expect(impactsOf(impacts, "block", run)[3]).toBeCloseTo(0.1, 12);
    // Guidance scale 3: the difference counts twice.
    expect(impactsOf(undefined, "cfg", run)[3]).toBeCloseTo(0.1 * 0.1 * 2, 12);
    expect(impactsOf({ step: { steps: [], values: [] } }, "step", run)[3]).toBeCloseTo(0.1, 12);
  });
});
