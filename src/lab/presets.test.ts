import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PRESETS } from "../engine/cache/mixcache/index.ts";
import { collect } from "./cells.ts";
import { parsePolicies } from "./contestants.ts";
import { PLAN_FILE, readPlan } from "./plan.ts";
import { findPresets, presetPolicies, presetsPath, presetTable } from "./presets.ts";
import { type Bench, bench, clean, madeUpPresets } from "./testing.ts";

describe("the table of presets", () => {
  let lab: Bench;
  afterAll(() => clean(lab));

  const tableOf = async ({ store }: Bench) => {
    const plan = readPlan(await store.readJson(PLAN_FILE), store.folder);
    return presetTable(plan, await collect(plan, store));
  };

  it("has every preset that took part, and nothing that is a preset and something else", async () => {
    const also = "mixcache:preset=high:correction=false,teacache:threshold=0.1";
    lab = await bench(parsePolicies(`${presetPolicies()},${also}`, 50));
    await lab.run();
    const { presets, prompts } = await tableOf(lab);
    expect(presets.map(({ preset, speed }) => [preset, speed])).toEqual(Object.entries(PRESETS));
    expect(presets[0]).toMatchObject({ computed_speedup: 1, psnr: { mean: expect.any(Number) } });
    expect(prompts.count).toBeGreaterThan(0);
  });

  it("is refused where no preset took part, by a sentence that says what to run", async () => {
    const other = await bench(parsePolicies("teacache:threshold=0.1", 50));
    await other.run();
    await expect(tableOf(other)).rejects.toThrow(/mixcache bench --policies mixcache:preset=visually/);
    await clean(other);
  });
});

describe("measured presets on disk", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "mixcache-presets-"));
    for (const digest of ["a", "b", "c"]) await mkdir(path.join(folder, digest));
    await writeFile(presetsPath(folder, "a"), JSON.stringify(madeUpPresets("a")));
    await writeFile(presetsPath(folder, "b"), JSON.stringify(madeUpPresets("a")));
    await writeFile(presetsPath(folder, "c"), '{"format":');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("are found in the first folder that has them, or not at all", async () => {
    expect(await findPresets(["/nowhere", folder], "a")).toEqual(madeUpPresets("a"));
    expect(await findPresets(["/nowhere", folder], "d")).toBeUndefined();
  });

  it.each(["b", "c"])("are refused where they are of another bundle or cut off (%s)", async (digest) => {
    await expect(findPresets([folder], digest)).rejects.toThrow(/of another bundle\. Remove it/);
  });
});
