import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MeasureOptions } from "../engine/calibration/measure.ts";
import { MEASURED_FORMAT, type Measured } from "../engine/calibration/measured.ts";
import type { GenerateRequest } from "../engine/settings.ts";
import { type CalibrationOptions, type CalibrationProgress, calibrate } from "./calibration.ts";
import { INFO } from "./testing.ts";

const STEPS = 3;

/** Says of every prompt what its length gives. */
class FakeMeasure {
  readonly asked: { request: GenerateRequest; options: MeasureOptions }[] = [];
  failAt = Number.POSITIVE_INFINITY;

  async info() {
    return INFO;
  }

  async measure(
    request: GenerateRequest,
    options: MeasureOptions,
    hooks: { onProgress?: (progress: { phase: "measure"; fraction: number }) => void } = {},
  ): Promise<Measured> {
    this.asked.push({ request, options });
    if (this.asked.length >= this.failAt) throw new Error("It was cut off.");
    hooks.onProgress?.({ phase: "measure", fraction: 0.5 });
    hooks.onProgress?.({ phase: "measure", fraction: 1 });
    const size = request.prompt.length;
    return {
      format: MEASURED_FORMAT,
      branches: {
        cond: {
          magnitude_ratios: [1, 1, 1],
          stack_changes: [null, 1, 1],
          signal_changes: {},
          reuse_costs: [[size, size], [size], []],
        },
      },
      deviations: { step: [[null, null, size]] },
      held_deviations: { step: [[null, size, size]] },
      changes: [null, size, size],
      impacts: options.impacts ? { step: { steps: [0], values: [size] } } : {},
    };
  }
}

let work: string;
let engine: FakeMeasure;
let progress: CalibrationProgress[];

beforeEach(async () => {
  work = path.join(await mkdtemp(path.join(tmpdir(), "mixcache-calibration-")), "made", "when needed");
  engine = new FakeMeasure();
  progress = [];
});
afterEach(() => rm(path.join(work, "../.."), { recursive: true, force: true }));

function run(changes: Partial<CalibrationOptions> = {}) {
  return calibrate({
    engine,
    base: { num_inference_steps: STEPS },
    prompts: ["a", "bb", "ccc"],
    lags: 2,
    impactPrompts: 2,
    work,
    onProgress: (now) => progress.push(now),
    ...changes,
  });
}

const prompts = () => engine.asked.map(({ request }) => request.prompt);

describe("a calibration", () => {
  it("measures each prompt from its own noise, impacts of the first ones only, and puts them together", async () => {
    const profile = await run();
    expect(engine.asked.map(({ request, options }) => [request.seed, options])).toEqual([
      [0n, { lags: 2, impacts: true }],
      [1n, { lags: 2, impacts: true }],
      [2n, { lags: 2, impacts: false }],
    ]);
    expect(profile.key).toMatchObject({ bundle: INFO.digest, steps: STEPS, scheduler: "flow_match_euler" });
    expect(profile.prompts.count).toBe(3);
    expect(profile.reuse_costs).toEqual([[2, 2], [2], []]);
    expect(profile.impacts.step?.values).toEqual([1.5]);
  });

  it("tells how far it is by steps: a prompt with impacts weighs more", async () => {
    await run();
    const fractions = progress.map(({ fraction }) => fraction);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    // 3 steps to record, and 3 + 2 + 1 to disturb each of three granularities; 3 steps for the last prompt.
    expect(fractions[1]).toBeCloseTo(21 / 45);
    expect(progress.at(-1)).toEqual({ fraction: 1, prompt: 3, prompts: 3 });
  });

  it("goes on where it was cut off, and gives the same profile", async () => {
    engine.failAt = 3;
    await expect(run()).rejects.toThrow("cut off");
    engine = new FakeMeasure();
    const profile = await run();
    expect(prompts()).toEqual(["ccc"]);
    await rm(work, { recursive: true });
    engine = new FakeMeasure();
    expect(await run()).toEqual(profile);
  });

  it("measures new prompts only where some are known, and all where a setting differs", async () => {
    await run({ prompts: ["a", "bb"] });
    await run({ prompts: ["a", "bb", "ccc"] });
    expect(prompts()).toEqual(["a", "bb", "ccc"]);
    for (const change of [{ lags: 1 }, { base: { num_inference_steps: STEPS, guidance_scale: 2 } }]) {
      engine = new FakeMeasure();
      await run(change);
      expect(prompts()).toEqual(["a", "bb", "ccc"]);
    }
  });

  it("measures again what a broken file should have held", async () => {
    await run();
    const [file = ""] = await readdir(work);
    await writeFile(path.join(work, file), '{"format":');
    engine = new FakeMeasure();
    await run();
    expect(engine.asked).toHaveLength(1);
  });

  it("names its prompts by a digest that order and wording change", async () => {
    const digests = await Promise.all([
      run().then((profile) => profile.prompts.digest),
      run({ prompts: ["bb", "a", "ccc"] }).then((profile) => profile.prompts.digest),
      run({ prompts: ["a", "bb", "cc"] }).then((profile) => profile.prompts.digest),
    ]);
    expect(new Set(digests).size).toBe(3);
  });
});
