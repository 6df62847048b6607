import { describe, expect, it } from "vitest";
import { handmadeProfile, runInfo } from "../../../../test/support/policies.ts";
import type { Granularity } from "./granularity.ts";
import { paying } from "./paying.ts";

const STEPS = 12;
const ALL: readonly Granularity[] = ["step", "cfg", "block"];
const run = runInfo(STEPS, { branches: ["cond", "uncond"] });
const table = (value: number) => Array.from({ length: 4 }, () => Array<number>(STEPS).fill(value));
const impacts = { steps: [0, 6], values: [1, 1] };
const costOf = (granularity: Granularity) => ({ step: 0, cfg: 0.5, block: 0.25 })[granularity];

/** With the deviations of these granularities, everywhere the same. */
function profile(cfg: number, block: number) {
  const deviations = { step: table(0.1), cfg: table(cfg), block: table(block) };
  return {
    ...handmadeProfile(STEPS),
    deviations,
    held_deviations: deviations,
    impacts: { step: impacts, cfg: impacts, block: impacts },
  };
}

describe("granularities that pay", () => {
  it("are those whose error for the time saved is below that of whole steps", () => {
    // cfg saves half: its error must be below half of the step's; block saves three quarters.
    expect(paying(ALL, profile(0.049, 0.08), run, costOf)).toEqual(["step", "cfg"]);
    expect(paying(ALL, profile(0.051, 0.07), run, costOf)).toEqual(["step", "block"]);
  });

  it("are also those of which the profile knows nothing", () => {
    const known = profile(0.9, 0.9);
    expect(paying(ALL, known, run, costOf)).toEqual(["step"]);
    expect(paying(ALL, { ...known, impacts: { step: impacts, cfg: impacts } }, run, costOf)).toEqual([
      "step",
      "block",
    ]);
  });
});
