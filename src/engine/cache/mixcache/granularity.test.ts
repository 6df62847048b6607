import { describe, expect, it } from "vitest";
import { runInfo } from "../../../../test/support/policies.ts";
import { branchesOf, costOf, menusOf, middleBlocks, partOf, usable } from "./granularity.ts";

const upTo = (blocks: number) => Array.from({ length: blocks + 1 }, (_, cut) => cut);

describe("the middle blocks", () => {
  it("are all but the first tenth and the last twentieth", () => {
    expect(middleBlocks([upTo(8)])).toEqual([1, 7]);
    expect(middleBlocks([upTo(30)])).toEqual([3, 28]);
    expect(middleBlocks([upTo(60)])).toEqual([6, 57]);
  });

  it("begin and end at cuts that every expert has", () => {
    expect(middleBlocks([[0, 1, 10, 20, 30]])).toEqual([1, 20]);
    expect(middleBlocks([upTo(30), [0, 5, 25, 30]])).toEqual([5, 25]);
  });

  it("are none where too few cuts are left", () => {
    expect(middleBlocks([[0, 30]])).toBeUndefined();
    expect(middleBlocks([[0, 15, 30]])).toBeUndefined();
    expect(middleBlocks([upTo(1)])).toBeUndefined();
    expect(middleBlocks([])).toBeUndefined();
  });
});

describe("what a run can use", () => {
  const can = { guided: true, range: [1, 7], title: "Toy" } as const;

  it("is everything, less what the model lacks", () => {
    expect(usable(undefined, can)).toEqual(["step", "cfg", "block"]);
    expect(usable(undefined, { ...can, guided: false })).toEqual(["step", "block"]);
    expect(usable(undefined, { ...can, guided: false, range: undefined })).toEqual(["step"]);
  });

  it("is what was asked for, each once", () => {
    expect(usable(["block", "step", "block"], can)).toEqual(["step", "block"]);
  });

  it("refuses by name what the model lacks", () => {
    expect(() => usable(["step", "cfg"], { ...can, guided: false })).toThrow(
      /Toy runs without classifier-free guidance .* Choose among step, block\./,
    );
    expect(() => usable(["block"], { ...can, range: undefined })).toThrow(/Toy has no cuts .* step, cfg\./);
  });
});

describe("a granularity", () => {
  it("costs what of a full step still runs", () => {
    const run = runInfo(4, { branches: ["cond", "uncond"] });
    const cost = (g: "step" | "cfg" | "block") => costOf(g, run, [1, 7]);
    expect([cost("step"), cost("cfg"), cost("block")]).toEqual([0, 0.5, 0.25]);
  });

  it("is kept as a part of these branches", () => {
    expect(partOf("step", undefined)).toEqual({ kind: "output" });
    expect(partOf("cfg", undefined)).toEqual({ kind: "guidance_delta" });
    expect(partOf("block", [1, 7])).toEqual({ kind: "blocks", from: 1, to: 7 });
    expect(branchesOf("cfg", ["cond", "uncond"])).toEqual(["uncond"]);
    expect(branchesOf("block", ["cond", "uncond"])).toEqual(["cond", "uncond"]);
  });

  it("is on the menu as long as its cost is allowed", () => {
    const cost = { step: 0, cfg: 0.5, block: 0.5 };
    expect(menusOf(["step", "cfg", "block"], (g) => cost[g])).toEqual([["step"], ["step", "cfg", "block"]]);
    expect(menusOf(["cfg"], (g) => cost[g])).toEqual([["cfg"]]);
  });
});
