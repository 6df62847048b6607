import { describe, expect, it } from "vitest";
import { CONTESTANTS_FORMAT, fewerSteps, parsePolicies, readContestants } from "./contestants.ts";

describe("--policies", () => {
  it("gives each policy its options, typed, and a label of its own", () => {
    expect(parsePolicies("off,teacache:threshold=0.1:force=true:kind=l1,mixcache:speed=2", 50)).toEqual([
      {
        label: "teacache threshold=0.1 force=true kind=l1",
        family: "teacache force=true kind=l1",
        cache: { policy: "teacache", threshold: 0.1, force: true, kind: "l1" },
      },
      { label: "mixcache speed=2", family: "mixcache", cache: { policy: "mixcache", speed: 2 }, target: 2 },
    ]);
  });

  it("makes the baseline of fewer steps at the compute of a speedup", () => {
    const [by, of] = parsePolicies("step-reduction:speed=1.5,step-reduction:steps=10", 50);
    expect(by).toMatchObject({ family: "step-reduction", num_inference_steps: 33, target: 1.5 });
    expect(of).toMatchObject({ cache: { policy: "off" }, num_inference_steps: 10 });
    expect(of).not.toHaveProperty("target");
    expect(fewerSteps(4, 100).num_inference_steps).toBe(1);
  });

  it("refuses what it can't read, and the same thing twice", () => {
    const refused = (text: string) => () => parsePolicies(text, 50);
    expect(refused("nothing")).toThrow(/no cache policy “nothing”/);
    expect(refused("teacache:")).toThrow(/is no option/);
    expect(refused("teacache,,easycache")).toThrow(/empty name/);
    expect(refused("teacache,teacache")).toThrow(/“teacache” is given twice/);
    expect(refused("step-reduction")).toThrow(/needs speed=2/);
    expect(refused("step-reduction:speed=0.5")).toThrow(/needs speed=2/);
    expect(refused("step-reduction:pace=2")).toThrow(/no option pace/);
  });
});

describe("a file of contestants", () => {
  const one = { label: "a", family: "teacache", cache: { policy: "teacache" } };

  it("is read with what the tuning found out", () => {
    const file = { format: CONTESTANTS_FORMAT, contestants: [one] };
    expect(readContestants(file, "x.json")).toEqual({ ...file, unreachable: [], trials: [] });
  });

  it("is refused by name where something is wrong with it", () => {
    expect(() => readContestants({ contestants: [one] }, "x.json")).toThrow(/x\.json is no list/);
    const twice = { format: CONTESTANTS_FORMAT, contestants: [one, one] };
    expect(() => readContestants(twice, "x.json")).toThrow(/given twice/);
  });
});
