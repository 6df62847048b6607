import { afterEach, describe, expect, it } from "vitest";
import { cacheRequest } from "../engine/cache/request.ts";
import { parsePolicies, readContestants } from "./contestants.ts";
import { type Bench, bench, clean, FakeEngine } from "./testing.ts";
import { tune } from "./tune.ts";

let lab: Bench | undefined;
afterEach(async () => {
  if (lab) await clean(lab);
});

/** An engine in which EasyCache's threshold is the share that is skipped, and FBCache never skips much. */
class Dialled extends FakeEngine {
  override generate(request: Parameters<FakeEngine["generate"]>[0]) {
    const { policy, threshold = 0 } = cacheRequest(request.cache);
    const shares: Record<string, number> = {
      easycache: Number(threshold) * 1.6,
      fbcache: 0.3 * Number(threshold),
    };
    const skipped = shares[policy] ?? 0;
    return super.generate({ ...request, cache: { policy, threshold, cost: 1 - skipped } });
  }
}

async function tuned(policies: string, targets: number[], trialsEach: number) {
  lab = await bench([], { prompts: [{ prompt: "a" }], base: { num_inference_steps: 20 } });
  const engine = new Dialled();
  const bases = parsePolicies(policies, 20, { bare: true });
  const found = await tune({ ...lab.options, engine, bases, targets, trialsEach });
  return { found, engine };
}

describe("tuning", () => {
  it("finds settings for the targets by FLOPs, in the same number of trials for everyone", async () => {
    const { found } = await tuned("easycache,fbcache,step-reduction", [1.5, 2], 12);
    const speedups = Map.groupBy(found.trials, ({ family }) => family);
    expect([...speedups].map(([family, trials]) => [family, trials.length])).toEqual([
      ["easycache", 12],
      ["fbcache", 12],
    ]);
    // The first step is full: 20 / (1 + 19 · cost) = 2 needs a cost of 9 / 19.
    const two = found.contestants.find(({ label }) => label === "easycache 2×");
    expect(two).toMatchObject({ family: "easycache", target: 2 });
    expect(1 - Number(two?.cache.threshold) * 1.6).toBeCloseTo(9 / 19, 1);
    expect(found.contestants.filter(({ family }) => family === "step-reduction")).toMatchObject([
      { num_inference_steps: 13, target: 1.5 },
      { num_inference_steps: 10, target: 2 },
    ]);
  });

  it("says what is out of reach, and lets the nearest setting take part under its own speed", async () => {
    const { found } = await tuned("fbcache", [2, 3], 3);
    const most = 20 / (1 + 19 * (1 - 0.3 * 0.6));
    expect(found.unreachable).toMatchObject([
      { family: "fbcache", target: 2 },
      { family: "fbcache", target: 3 },
    ]);
    expect(found.unreachable[0]?.nearest).toBeCloseTo(most, 6);
    expect(found.contestants).toMatchObject([{ label: `fbcache ${Number(most.toFixed(2))}×` }]);
    expect(found.contestants[0]).not.toHaveProperty("target");
    expect(readContestants(JSON.parse(JSON.stringify(found)), "x.json")).toEqual(found);
  });

  it("makes the uncached videos once, not beside every trial", async () => {
    const { engine } = await tuned("easycache", [2], 4);
    expect(
      engine.requests
        .map(({ cache }) => cacheRequest(cache))
        .filter(({ policy, cost }) => policy === "off" && cost === 1),
    ).toHaveLength(1);
  });

  it("refuses a policy that has nothing to turn", async () => {
    lab = await bench([]);
    const bases = [{ label: "off", family: "off", cache: { policy: "off" } }];
    const refused = tune({ ...lab.options, bases, targets: [2], trialsEach: 4 });
    await expect(refused).rejects.toThrow(/off has no dial to turn/);
  });
});
