/** An engine that makes things up, for tests of the lab; nothing else imports it. */

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { manifestSchema } from "../engine/bundle/manifest.ts";
import { cacheRequest } from "../engine/cache/request.ts";
import { type GenerateRequest, resolveSettings, usedSettings } from "../engine/settings.ts";
import type { StepTrace } from "../engine/trace.ts";
import { EMBEDDED_BUNDLE, type EngineInfo, type EngineResult } from "../node/index.ts";
import type { Contestant } from "./contestants.ts";
import { sha256 } from "./digest.ts";
import { PRESETS_FORMAT, type PresetsFile } from "./presets.ts";
import { runExperiment, type SessionOptions } from "./session.ts";
import { Store } from "./store.ts";

const json = readFileSync(path.join(EMBEDDED_BUNDLE, "model.json"), "utf8");

const embedded = manifestSchema.parse(JSON.parse(json));

/** The embedded model, but for tiny videos: the metrics take as long as there are pixels. */
export const INFO: EngineInfo = {
  manifest: {
    ...embedded,
    video: {
      ...embedded.video,
      default: { width: 16, height: 16, frames: 8, fps: 8 },
      width: { ...embedded.video.width, min: 16 },
      height: { ...embedded.video.height, min: 16 },
      frames: { ...embedded.video.frames, min: 8 },
    },
  },
  digest: sha256(json),
  backend: "made-up",
  device: "none",
  threads: 1,
  startMs: 0,
};

/** Contestants of a made-up policy: `cost` of each step computed, frames off by `error`. */
export function fake(label: string, cost: number, error: number, target?: number): Contestant {
  const [family = label] = label.split(" ");
  return { label, family, cache: { policy: family, cost, error }, ...(target !== undefined && { target }) };
}

/** Videos that depend on the request alone; times that depend on how many came before. */
export class FakeEngine {
  readonly requests: GenerateRequest[] = [];
  /** Throws at this request, from 1. */
  failAt = Number.POSITIVE_INFINITY;
  /** Added to every byte: another machine. */
  drift = 0;

  async info(): Promise<EngineInfo> {
    return INFO;
  }

  async profileOf(): Promise<undefined> {}

  async generate(request: GenerateRequest): Promise<EngineResult> {
    this.requests.push(request);
    if (this.requests.length >= this.failAt) throw new Error("The engine was cut off.");
    const count = request.num_inference_steps ?? INFO.manifest.default_steps;
    const { cost = 1, error = 0, policy = "off" } = { ...cacheRequest(request.cache) };
    const denoiseMs = count * Number(cost) * 10 + this.requests.length / 100;
    const steps = Array.from({ length: count }, (_, index) => step(index, index === 0 ? 1 : Number(cost)));
    const flops = steps.reduce((sum, one) => sum + one.flops, 0);
    return {
      frames: framesOf(request, Number(error) + this.drift),
      trace: {
        policy: String(policy),
        run: {
          steps: count,
          scheduler: "flow_match_euler",
          sigmas: [],
          timesteps: [],
          branches: [],
          denoisers: [],
        },
        profile: null,
        steps,
        text: [],
        textCached: 1,
        decode: [],
        textMs: 1,
        denoiseMs,
        decodeMs: 1,
        totalMs: denoiseMs + 2,
        denoiseFlops: flops,
        fullDenoiseFlops: count * 100,
        cacheBytesPeak: policy === "off" ? 0 : 1000,
      },
      notices: [],
      settings: usedSettings(resolveSettings(INFO.manifest, request)),
      peakMemoryBytes: 1,
    };
  }
}

function step(index: number, cost: number): StepTrace {
  return {
    index,
    sigma: 1,
    denoiser: "main",
    branches: [{ branch: "cond", plan: cost < 1 ? "reuse" : "full", graphs: [] }],
    flops: 100 * cost,
    fullFlops: 100,
    decision: { mode: cost < 1 ? "step" : "full", margin: 0.123456789, values: { distance: index } },
    ...(index === 2 && { deviation: 0.5 }),
    scalars: [],
    durationMs: 10,
    policyMs: 0.02,
  };
}

/** Stripes that prompt and seed move, plus an error that depends on both. */
function framesOf({ prompt, seed }: GenerateRequest, error: number): EngineResult["frames"] {
  const { width, height, frames: count } = INFO.manifest.video.default;
  const phase = prompt.length * 7 + Number(seed ?? 0);
  const data = new Uint8Array(width * height * count * 3);
  for (let i = 0; i < data.length; i++) {
    const wrong = (i + phase) % 3 === 0 ? error * (1 + (prompt.length % 3)) : 0;
    data[i] = 60 + ((((i >> 3) + phase) * 13) % 120) + wrong;
  }
  return { width, height, count, data };
}

export interface Bench {
  readonly engine: FakeEngine;
  readonly store: Store;
  readonly options: SessionOptions;
  readonly run: (change?: Partial<SessionOptions>) => ReturnType<typeof runExperiment>;
}

/** A small experiment in a folder of its own, which `clean` removes. */
export async function bench(
  contestants: readonly Contestant[],
  change: Partial<SessionOptions> = {},
): Promise<Bench> {
  const engine = new FakeEngine();
  const store = await Store.open(await mkdtemp(path.join(tmpdir(), "mixcache-lab-")));
  const options: SessionOptions = {
    engine,
    store,
    contestants,
    made: { at: "2026-11-23T00:00:00.000Z" },
    version: "1",
    promptsName: "made up",
    prompts: [{ prompt: "a" }, { prompt: "bb" }],
    seeds: [0],
    base: { num_inference_steps: 4 },
    timed: true,
    ...change,
  };
  return { engine, store, options, run: (more = {}) => runExperiment({ ...options, ...more }) };
}

export function clean({ store }: Pick<Bench, "store">): Promise<void> {
  return rm(store.folder, { recursive: true, force: true });
}

/** Measured presets of a bundle, made up. */
export function madeUpPresets(digest = "made up"): PresetsFile {
  return {
    format: PRESETS_FORMAT,
    bundle: { id: "shapes", digest },
    made: { at: "2026-01-02T03:04:05Z", commit: "0123456789abcdef" },
    num_inference_steps: 50,
    prompts: { name: "test", count: 96, seeds: 2 },
    presets: [
      {
        preset: "high",
        speed: 1.8,
        computed_speedup: 1.79,
        real_speedup: 1.7,
        psnr: { mean: 38.1, p10: 33.2 },
        ssim: { mean: 0.98, p10: 0.95 },
        haarpsi: { mean: 0.97, p10: 0.93 },
      },
    ],
  };
}
