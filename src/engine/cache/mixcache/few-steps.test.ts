import { describe, expect, it } from "vitest";
import { fewStepsMask, fewStepsNotice } from "./few-steps.ts";

const digits = (steps: number) =>
  fewStepsMask(steps)
    .map((full) => (full ? 1 : 0))
    .join("");

describe("runs of a few steps", () => {
  it("compute the first half and the last step, and never reuse twice in a row", () => {
    expect([1, 2, 3, 4].map(digits)).toEqual(["1", "11", "111", "1111"]);
    expect([5, 6, 7, 8].map(digits)).toEqual(["11101", "111011", "1111011", "11110101"]);
  });

  it("say so", () => {
    expect(fewStepsNotice(4)).toMatch(/4 steps are too few/);
    expect(fewStepsNotice(8)).toMatch(/with 8 steps .* 2 of them are predicted/);
  });
});
