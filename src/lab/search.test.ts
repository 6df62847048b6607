import { describe, expect, it } from "vitest";
import type { Dial } from "../engine/cache/definition.ts";
import { nearest, nextDial, type Tried } from "./search.ts";

/** Tries until the number of trials is spent or the dial has no other setting. */
function search(dial: Dial, targets: number[], speedup: (value: number) => number, most = 18): Tried[] {
  const tried: Tried[] = [];
  for (let i = 0; i < most; i++) {
    const value = nextDial(dial, targets, tried);
    if (value === undefined) break;
    tried.push({ dial: value, speedup: speedup(value) });
  }
  return tried;
}

const miss = (tried: Tried[], target: number) => Math.abs(nearest(tried, target).speedup / target - 1);
const targets = [1.5, 2, 2.5, 3];

describe("the search for a speedup", () => {
  it("meets four targets within half a percent on a smooth dial", () => {
    const dial: Dial = { option: "threshold", slow: 0.001, fast: 1, scale: "logarithmic" };
    const tried = search(dial, targets, (value) => 1 + 4 * (value / (value + 0.1)) ** 1.5);
    for (const target of targets) expect(miss(tried, target)).toBeLessThan(0.005);
  });

  it("meets them within three percent where steps come and go one by one", () => {
    const dial: Dial = { option: "threshold", slow: 0.01, fast: 10, scale: "logarithmic" };
    const tried = search(dial, targets, (value) => 50 / Math.max(10, Math.round(50 / (1 + value))));
    for (const target of targets) expect(miss(tried, target)).toBeLessThan(0.03);
  });

  it("works on a dial that is fast at its low end", () => {
    const dial: Dial = { option: "full_steps", slow: 50, fast: 10, scale: "integer" };
    const tried = search(dial, targets, (value) => 50 / value);
    for (const target of targets) expect(miss(tried, target)).toBeLessThan(0.03);
    expect(tried.every((trial) => Number.isInteger(trial.dial))).toBe(true);
    expect(new Set(tried.map((trial) => trial.dial)).size).toBe(tried.length);
  });

  it("gives every policy the same number of trials: what the targets leave goes into the curve", () => {
    const dial: Dial = { option: "threshold", slow: 1, fast: 4, scale: "linear" };
    const tried = search(dial, [2], (value) => value);
    expect(tried).toHaveLength(18);
    const sorted = tried.map(({ speedup }) => speedup).sort((a, b) => a - b);
    const widest = Math.max(...sorted.map((value, i) => value / (sorted[i - 1] ?? value)));
    expect(widest).toBeLessThan(1.2);
  });

  it("stops where an integer dial has no other setting", () => {
    const dial: Dial = { option: "interval", slow: 1, fast: 5, scale: "integer" };
    expect(search(dial, targets, (value) => value)).toHaveLength(5);
  });

  it("spends its trials on the curve where a target is out of reach", () => {
    const dial: Dial = { option: "threshold", slow: 0, fast: 1, scale: "linear" };
    const tried = search(dial, [9], (value) => 1 + value);
    expect(tried).toHaveLength(18);
    expect(nearest(tried, 9).speedup).toBe(2);
  });
});
