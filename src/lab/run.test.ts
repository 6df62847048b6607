import { cp, rm } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { cacheRequest } from "../engine/cache/request.ts";
import { collect } from "./cells.ts";
import { groupsOf } from "./plan.ts";
import { Store } from "./store.ts";
import { type Bench, bench, clean, FakeEngine, fake } from "./testing.ts";
import { firstDifference, verify } from "./verify.ts";

const two = [fake("good", 0.5, 1), fake("bad", 0.5, 9)];
const WARM_UP = 1;

const open: Bench[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await clean(one);
});
async function small(...args: Parameters<typeof bench>): Promise<Bench> {
  const made = await bench(...args);
  open.push(made);
  return made;
}

const policies = ({ requests }: FakeEngine) =>
  requests.slice(WARM_UP).map(({ cache }) => cacheRequest(cache).policy);
const frames = async (store: Store) =>
  (await Promise.all((await store.digests()).map((digest) => store.read(digest)))).map(
    (one) => one?.frames_sha256,
  );

describe("an experiment", () => {
  it("runs everyone on the same prompt and seed one after the other, in an order that turns", async () => {
    const { engine, run } = await small(two);
    await run();
    expect(policies(engine)).toEqual(["off", "good", "bad", "good", "bad", "off"]);
    expect(engine.requests.slice(WARM_UP).map(({ prompt }) => prompt)).toEqual([
      "a",
      "a",
      "a",
      "bb",
      "bb",
      "bb",
    ]);
  });

  it("keeps of each video its numbers, its decisions and what determined it", async () => {
    const { run, store } = await small(two);
    const { plan } = await run();
    const cell = (await collect(plan, store)).get("bad")?.[0];
    expect(cell?.result).toMatchObject({
      key: { prompt: "a", seed: "0", num_inference_steps: 4, cache: { policy: "bad", cost: 0.5, error: 9 } },
      reference: { flops: 400 },
      flops: 250,
      cache_bytes_peak: 1000,
      steps: {
        mode: ["full", "step", "step", "step"],
        cost: [1, 0.5, 0.5, 0.5],
        margin: [0.12346, 0.12346, 0.12346, 0.12346],
        deviation: [null, null, 0.5, null],
        values: { distance: [0, 1, 2, 3] },
      },
    });
    // An error of 9 in two of three bytes (the prompt's length doubles it) over a range of 255.
    const mse = ((2 * 9) / 255) ** 2 / 3;
    expect(cell?.result.metrics?.psnr).toBeCloseTo(-10 * Math.log10(mse), 1);
    expect(cell?.reference.metrics).toBeNull();
  });

  it("goes on where it was cut off, and times the uncached video again beside what was left", async () => {
    const { engine, run, store } = await small(two);
    engine.failAt = 6;
    await expect(run()).rejects.toThrow(/cut off/);
    const before = await store.digests();
    expect(before).toHaveLength(3);
    engine.failAt = Number.POSITIVE_INFINITY;
    engine.requests.length = 0;
    await run();
    expect(policies(engine)).toEqual(["good", "bad", "off"]);
    expect(await store.digests()).toHaveLength(6);
    engine.requests.length = 0;
    await run();
    expect(engine.requests).toEqual([]);
  });

  it("makes only what a new contestant needs", async () => {
    const { engine, run } = await small(two);
    await run();
    engine.requests.length = 0;
    await run({ contestants: [...two, fake("new", 0.2, 3)] });
    expect(policies(engine)).toEqual(["off", "new", "new", "off"]);
    engine.requests.length = 0;
    await run({ contestants: [...two, fake("newer", 0.2, 4)], timed: false });
    // Nothing is timed, so nothing is warmed up and no uncached video is made again.
    expect(engine.requests.map(({ cache }) => cacheRequest(cache).policy)).toEqual(["newer", "newer"]);
  });

  it("refuses to mix the results of machines that don't agree", async () => {
    const { engine, run } = await small(two);
    await run();
    engine.drift = 1;
    await expect(run({ contestants: [...two, fake("new", 0.2, 3)] })).rejects.toThrow(/came out differently/);
  });

  it("has other results for everything that changes a video", async () => {
    const { run, store } = await small([fake("good", 0.5, 1)], { prompts: [{ prompt: "a" }] });
    const count = async () => (await store.digests()).length;
    await run();
    expect(await count()).toBe(2);
    for (const change of [
      { seeds: [1] },
      { prompts: [{ prompt: "ccc" }] },
      { base: { num_inference_steps: 5 } },
      { base: { num_inference_steps: 4, guidance_scale: 2 } },
      { version: "2" },
    ]) {
      const before = await count();
      await run(change);
      expect(await count()).toBe(before + 2);
    }
    const before = await count();
    await run({ contestants: [fake("good", 0.5, 2)] });
    expect(await count()).toBe(before + 1);
  });
});

describe("shards", () => {
  it("have all the work among them, and are merged by copying", async () => {
    const prompts = ["a", "bb", "ccc", "dddd", "eeeee"].map((prompt) => ({ prompt }));
    const [whole, first, second] = [
      await small(two, { prompts }),
      await small(two, { prompts }),
      await small(two, { prompts }),
    ];
    const { plan } = await whole.run();
    const numbers = [1, 2].flatMap((index) => groupsOf(plan, { index, of: 2 }).map(([number]) => number));
    expect(numbers).toEqual([0, 2, 4, 1, 3]);
    await first.run({ shard: { index: 1, of: 2 } });
    await second.run({ shard: { index: 2, of: 2 } });
    expect(await first.store.digests()).toHaveLength(9);
    await cp(second.store.folder, first.store.folder, { recursive: true });
    expect(await first.store.digests()).toEqual(await whole.store.digests());
    expect(await frames(first.store)).toEqual(await frames(whole.store));
  });
});

describe("the archive", () => {
  it("stands in for the folder of runs", async () => {
    const { run, store } = await small(two);
    const { plan } = await run();
    const cells = await collect(plan, store);
    await store.archive([...cells.values()].flat().map(({ result }) => result));
    await rm(path.join(store.folder, "runs"), { recursive: true });
    const again = await Store.open(store.folder);
    expect(await collect(plan, again)).toEqual(cells);
  });
});

describe("verification", () => {
  const check = async ({ store, run }: Bench, engine: FakeEngine, tolerance = 0) => {
    const { plan } = await run();
    return verify({ engine, store, plan, share: 1, tolerance });
  };

  it("finds nothing where nothing changed", async () => {
    const one = await small(two);
    expect(await check(one, new FakeEngine())).toEqual({ checked: 6, differences: [] });
  });

  it("names what came out differently, and by how much", async () => {
    const one = await small([fake("good", 0.5, 1)], { prompts: [{ prompt: "bb" }] });
    const other = new FakeEngine();
    other.drift = 1;
    const { differences } = await check(one, other);
    const sentences = differences.map(({ sentence }) => sentence).sort();
    // The same for the cached video: both have drifted alike, and one is no worse against the other than before.
    expect(sentences[0]).toMatch(/^good, seed 0, “bb”: other frames, PSNR \+0\.00 dB; the same decisions\.$/);
    expect(sentences[1]).toMatch(
      /^off, .*: other frames, 43\.36 dB from the stored ones; the same decisions\.$/,
    );
    expect(differences.every(({ allowed }) => !allowed)).toBe(true);
    const lenient = await check(one, other, 0.1);
    expect(lenient.differences.map(({ allowed }) => allowed)).toEqual([true, true]);
  });

  it("says where decisions part, and how near they were to it", () => {
    const steps = (mode: string[]) => ({
      mode,
      cost: mode.map(() => 1),
      margin: mode.map(() => 0.001),
      deviation: [],
      values: {},
    });
    expect(firstDifference(steps(["full", "step"]), steps(["full", "step"]))).toBeUndefined();
    expect(firstDifference(steps(["full", "step"]), steps(["full", "cfg"]))).toBe(
      "decisions part at step 1, cfg instead of step by a margin of 0.001",
    );
    expect(firstDifference(steps(["full"]), steps(["full", "full"]))).toBe("2 steps instead of 1");
  });

  it("takes the same random share each time, and at least one", async () => {
    const one = await small(two);
    const { plan } = await one.run();
    const sample = async (share: number) => {
      const engine = new FakeEngine();
      const { checked } = await verify({ engine, store: one.store, plan, share, tolerance: 0 });
      expect(engine.requests).toHaveLength(checked);
      return engine.requests;
    };
    expect(await sample(0.5)).toHaveLength(3);
    expect(await sample(0.5)).toEqual(await sample(0.5));
    expect(await sample(0.001)).toHaveLength(1);
  });
});
