import { describe, expect, it } from "vitest";
import { FeedbackInterval } from "./interval.ts";

/** An interval whose warm-up had these deviations. */
function interval({ quality = 1, most = 6, warmUp = [0.1, 0.9, 0.05] } = {}): FeedbackInterval {
  const made = new FeedbackInterval(quality, most);
  for (const deviation of warmUp) made.warmUp(deviation);
  return made;
}

describe("the feedback interval", () => {
  it("starts with every second step", () => {
    expect(interval().due(1)).toBe(false);
    expect(interval().due(2)).toBe(true);
  });

  it.each([
    ["below δ1 = 0.75 of the median of the warm-up", 0.074, 3],
    ["between δ1 and δ2", 0.08, 2],
    ["between δ1 and δ2", 0.149, 2],
    ["above δ2 = 1.5 of it", 0.151, 1],
  ])("%s: %f gives %i", (_, deviation, wanted) => {
    const made = interval();
    made.observe(deviation);
    expect(made.interval).toBe(wanted);
  });

  it("takes κ times these thresholds", () => {
    const made = interval({ quality: 3 });
    made.observe(0.224);
    expect(made.interval).toBe(3);
    made.observe(0.451);
    expect(made.interval).toBe(2);
  });

  it("stays within 1 and the most, and comes back from both", () => {
    const made = interval({ most: 3 });
    for (let i = 0; i < 5; i++) made.observe(0.001);
    expect(made.interval).toBe(3);
    for (let i = 0; i < 5; i++) made.observe(9);
    expect(made.interval).toBe(1);
    made.observe(0.001);
    expect(made.interval).toBe(2);
  });

  it("stays as it is while nothing is known of the prompt", () => {
    const made = interval({ warmUp: [] });
    made.observe(9);
    expect(made.interval).toBe(2);
    expect(made.margin).toBe(Number.POSITIVE_INFINITY);
  });

  it("knows its margin: both the deviation and its threshold are measured", () => {
    const made = interval();
    made.observe(0.16);
    const margin = made.margin;
    const decided = (error: number) => {
      const other = interval({ warmUp: [0.1 * (1 + error), 0.9, 0.05] });
      other.observe(0.16 * (1 - error));
      return other.interval;
    };
    expect(decided(0.99 * margin)).toBe(1);
    expect(decided(1.01 * margin)).toBe(2);
  });
});
