import { describe, expect, it } from "vitest";
import { choose } from "./decision.ts";

const STEP = { granularity: "step", error: 0.3, cost: 0 } as const;
const CFG = { granularity: "cfg", error: 0.2, cost: 0.5 } as const;
const BLOCK = { granularity: "block", error: 0.1, cost: 0.75 } as const;
const ALL = [STEP, CFG, BLOCK];

describe("the decision", () => {
  it("by penalty takes the least expected error", () => {
    const choice = choose(ALL, "penalty", 5, undefined);
    expect(choice.granularity).toBe("block");
    expect(choice.scores).toEqual({ step: 0.3, cfg: 0.2, block: 0.1 });
  });

  it("multiplies what was reused before, so that errors of one kind don't pile up", () => {
    const choice = choose(ALL, "penalty", 5, "block");
    expect(choice.granularity).toBe("cfg");
    expect(choice.scores.block).toBeCloseTo(0.5, 12);
    // The expected error itself knows nothing of the factor.
    expect(choose([BLOCK], "penalty", 5, "block").error).toBe(0.1);
    expect(choose(ALL, "penalty", 1, "block").granularity).toBe("block");
  });

  it("by cost takes the least expected error for the time saved", () => {
    const choice = choose(ALL, "cost_aware", 1, undefined);
    expect(choice.granularity).toBe("step");
    expect(choice.scores).toEqual({ step: 0.3, cfg: 0.4, block: 0.4 });
  });

  it("takes the first of equals, and what saves nothing never", () => {
    const twin = { ...CFG, granularity: "block" } as const;
    expect(choose([CFG, twin], "penalty", 5, undefined).granularity).toBe("cfg");
    expect(choose([{ ...BLOCK, cost: 1 }, STEP], "cost_aware", 1, undefined).granularity).toBe("step");
  });
});
