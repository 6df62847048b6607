import { describe, expect, it } from "vitest";
import { Anchors, type Track } from "./anchors.ts";

const COND: Track = { part: { kind: "output" }, branch: "cond" };
const UNCOND: Track = { part: { kind: "output" }, branch: "uncond" };

describe("anchors", () => {
  it("turn steps into ages, each track on its own, as far as they are kept", () => {
    const anchors = new Anchors(2);
    for (const step of [0, 1, 4]) anchors.add(COND, step);
    anchors.add(UNCOND, 1);
    expect(anchors.of(COND)).toEqual([4, 1]);
    expect(anchors.kept(COND, 4)).toEqual({ ...COND, age: 0 });
    expect(anchors.kept(COND, 1)).toEqual({ ...COND, age: 1 });
    expect(anchors.kept(COND, 0)).toBeUndefined();
    expect(anchors.kept(UNCOND, 1)?.age).toBe(0);
    anchors.clear();
    expect(anchors.of(COND)).toEqual([]);
  });
});
