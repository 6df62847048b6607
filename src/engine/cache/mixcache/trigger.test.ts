import { describe, expect, it } from "vitest";
import { Trigger } from "./trigger.ts";

describe("the trigger", () => {
  const trigger = () => new Trigger({ earliest: 3, latest: 10, change: 0.1 });
  const seeing = (...changes: number[]) => {
    const made = trigger();
    for (const change of changes) made.observe(change);
    return made;
  };

  it("opens after two small changes in a row, not after two with a large one between", () => {
    expect(seeing(0.3, 0.09, 0.05).opensAt(4)).toBe(true);
    expect(seeing(0.09, 0.3, 0.09).opensAt(4)).toBe(false);
    expect(seeing(0.3, 0.09).opensAt(4)).toBe(false);
  });

  it("does not open before its earliest step, and opens at its latest whatever was seen", () => {
    expect(seeing(0.01, 0.01).opensAt(2)).toBe(false);
    expect(seeing(0.9, 0.9).opensAt(9)).toBe(false);
    expect(seeing(0.9, 0.9).opensAt(10)).toBe(true);
  });

  it("stays open", () => {
    const made = seeing(0.05, 0.05);
    expect(made.opensAt(3)).toBe(true);
    made.observe(0.9);
    expect(made.opensAt(4)).toBe(true);
  });

  it("knows by what share of itself a change would have to be wrong to decide otherwise", () => {
    expect(seeing().margin).toBe(Number.POSITIVE_INFINITY);
    expect(seeing(0.2, 0.099).margin).toBeCloseTo(0.01, 6);
    // 0.2 less than half of itself is no large change any more.
    expect(seeing(0.2).margin).toBeCloseTo(0.5, 6);
  });

  it("without a known change waits until predictions are four times as good as the worst of the warm-up", () => {
    const seeing = (...deviations: number[]) => {
      const made = new Trigger({ earliest: 3, latest: 10, change: undefined });
      for (const deviation of deviations) made.observe(deviation);
      return made;
    };
    expect(seeing(0.1, 0.8, 0.19, 0.19).opensAt(4)).toBe(true);
    expect(seeing(0.1, 0.8, 0.19, 0.21).opensAt(5)).toBe(false);
    expect(seeing(0.3, 0.3, 0.3, 0.3).opensAt(9)).toBe(false);
    const { margin } = seeing(0.8, 0.19);
    const opens = (error: number) =>
      seeing(0.8 * (1 - error), 0.19 * (1 + error), 0.1 * (1 - error)).opensAt(4);
    expect(opens(0.99 * margin)).toBe(true);
    expect(opens(1.01 * margin)).toBe(false);
  });
});
