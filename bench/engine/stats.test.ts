/** A benchmark is only as good as its arithmetic. */

import { describe, expect, it } from "vitest";
import { type Figure, holds, table } from "./figure.ts";
import { compare, interleave, median } from "./stats.ts";

describe("stats", () => {
  it("takes the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  it("compares neighbours in time, so that a machine that slows down does not matter", () => {
    const times = (...ms: number[]) => ms.map((wallMs) => ({ wallMs, cpuMs: wallMs / 2 }));
    const { ratio, cpuRatio } = compare({ a: times(2, 4, 8, 16), b: times(1, 2, 4, 8) });
    expect([ratio, cpuRatio]).toEqual([2, 2]);
  });

  it("warms both up and then alternates", async () => {
    const order: string[] = [];
    const run = (name: string, ms: number) => async () => {
      order.push(name);
      return { wallMs: ms, cpuMs: ms };
    };
    const pairs = await interleave(2, run("a", 5), run("b", 7));
    expect(order.join("")).toBe("abababab");
    expect(pairs.a.map(({ wallMs }) => wallMs)).toEqual([5, 5]);
    expect(pairs.b.map(({ wallMs }) => wallMs)).toEqual([7, 7]);
  });
});

describe("figure", () => {
  const figure = (value: number | undefined, goal?: Figure["goal"]): Figure => ({
    id: "x",
    title: "x",
    value,
    unit: "",
    note: "",
    ...(goal && { goal }),
  });

  it("says whether a goal holds, and nothing where there is no goal or no value", () => {
    expect(holds(figure(1.03, { is: "at most", value: 1.03 }))).toBe(true);
    expect(holds(figure(0.89, { is: "at least", value: 0.9 }))).toBe(false);
    expect(holds(figure(20, { is: "below", value: 20 }))).toBe(false);
    expect(holds(figure(0.995, { is: "within", value: 0.01 }))).toBe(true);
    expect(holds(figure(undefined, { is: "below", value: 20 }))).toBeUndefined();
    expect(holds(figure(1))).toBeUndefined();
  });

  it("shows a missed goal in capitals", () => {
    expect(table([figure(2, { is: "at most", value: 1 })])).toContain("2.000  at most 1  MISSED");
  });
});
