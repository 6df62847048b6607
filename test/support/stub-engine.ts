/**
 * An engine that computes nothing: the interface of `EngineChild`, small frames that depend on prompt and seed alone,
 * and a trace. For tests and benches of everything around the engine. Words of the prompt make it misbehave:
 * `fail`, `crash`, `oom`, `hang` and `refuse`, in its second step.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setImmediate, setTimeout as wait } from "node:timers/promises";
import { parseManifest } from "../../src/engine/bundle/read.ts";
import { recordRun } from "../../src/engine/cache/recorded-run.ts";
import { resolveSettings, type Settings, usedSettings } from "../../src/engine/settings.ts";
import type { RunTrace, StepTrace } from "../../src/engine/trace.ts";
import { type ErrorCode, MixcacheError } from "../../src/errors.ts";
import {
  EMBEDDED_BUNDLE,
  type EngineHooks,
  type EngineInfo,
  type EngineResult,
  type GenerateRequest,
} from "../../src/node/index.ts";
import type { WorkerEngine } from "../../src/worker/index.ts";

export interface StubEngineOptions {
  /** How long a step takes; 0: only as long as the event loop needs to turn. */
  readonly stepMs?: number;
  /** Called before each step, which waits for it: lets a test hold the engine where it wants it. */
  readonly beforeStep?: (step: number, request: GenerateRequest) => void | Promise<void>;
}

/** FLOPs of one step in full, of a reused one, and of the decoder. */
export const STUB_FLOPS = { full: 4e9, reused: 1e9, text: 5e8, decode: 2e9 };

const PREVIEW = { width: 8, height: 8, count: 1, data: new Uint8Array(8 * 8 * 3).fill(127) };

const ERRORS: Readonly<Record<string, ErrorCode>> = {
  fail: "engine_failed",
  crash: "engine_crashed",
  oom: "engine_out_of_memory",
  refuse: "invalid_argument",
};

/** See above. */
export class StubEngine implements WorkerEngine {
  readonly #options: StubEngineOptions;
  readonly #manifest = parseManifest(
    readFileSync(path.join(EMBEDDED_BUNDLE, "model.json"), "utf8"),
    EMBEDDED_BUNDLE,
  );
  /** How often the "process" was started: once, and again after each crash. */
  starts = 0;
  #alive = false;
  #busy = false;
  #disposed = new AbortController();

  constructor(options: StubEngineOptions = {}) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#busy;
  }

  async info(): Promise<EngineInfo> {
    if (this.#disposed.signal.aborted)
      throw new MixcacheError("engine_unavailable", "The engine was closed.");
    if (!this.#alive) this.starts++;
    this.#alive = true;
    return {
      manifest: this.#manifest,
      digest: "57ab".repeat(16),
      backend: "stub",
      device: "cpu",
      threads: 1,
      startMs: 1,
    };
  }

  async generate(
    request: GenerateRequest,
    { signal, onProgress, previewEvery = 0 }: EngineHooks = {},
  ): Promise<EngineResult> {
    const settings = resolveSettings(this.#manifest, request);
    if (this.#busy) throw new MixcacheError("engine_busy", "This engine is making another video.");
    this.#busy = true;
    try {
      await this.info();
      onProgress?.({ phase: "text" });
      const steps: StepTrace[] = [];
      for (let index = 0; index < settings.steps; index++) {
        await this.#options.beforeStep?.(index, request);
        await this.#pause(signal);
        if (index === 1) await this.#misbehave(request.prompt, signal);
        const made = step(index, settings);
        steps.push(made);
        onProgress?.({
          phase: "denoise",
          step: index,
          steps: settings.steps,
          fraction: (index + 1) / settings.steps,
          finished: { mode: made.decision?.mode ?? "full", flops: made.flops, fullFlops: made.fullFlops },
        });
        if (previewEvery > 0 && (index + 1) % previewEvery === 0 && index + 1 < settings.steps)
          onProgress?.({ phase: "preview", step: index, frame: PREVIEW, durationMs: 1 });
      }
      onProgress?.({ phase: "decode", fraction: 1 });
      return resultOf(settings, steps);
    } finally {
      this.#busy = false;
    }
  }

  dispose(): void {
    this.#alive = false;
    this.#disposed.abort();
  }

  async #pause(signal: AbortSignal | undefined): Promise<void> {
    const { stepMs = 0 } = this.#options;
    if (stepMs > 0) await wait(stepMs, undefined, { ...(signal && { signal }) }).catch(() => undefined);
    else await setImmediate();
    if (signal?.aborted) throw new MixcacheError("aborted", "The run was stopped.");
    if (this.#disposed.signal.aborted)
      throw new MixcacheError("engine_unavailable", "The engine was closed.");
  }

  async #misbehave(prompt: string, signal: AbortSignal | undefined): Promise<void> {
    const word = prompt.split(" ").find((one) => one === "hang" || Object.hasOwn(ERRORS, one));
    if (word === "hang") {
      const ends = AbortSignal.any([this.#disposed.signal, ...(signal ? [signal] : [])]);
      await new Promise((resolve) => ends.addEventListener("abort", resolve, { once: true }));
      await this.#pause(signal);
    }
    const code = word === undefined ? undefined : ERRORS[word];
    if (code === undefined) return;
    if (code !== "invalid_argument") this.#alive = false;
    throw new MixcacheError(code, `The stub was told to ${word}.`);
  }
}

/** Every second step is reused. */
function step(index: number, { steps }: Settings): StepTrace {
  const reused = index % 2 === 1;
  const flops = reused ? STUB_FLOPS.reused : STUB_FLOPS.full;
  return {
    index,
    sigma: 1 - index / steps,
    denoiser: "stub",
    branches: [
      { branch: "cond", plan: reused ? "reuse" : "full", graphs: [{ id: "stub", durationMs: 1, flops }] },
    ],
    flops,
    fullFlops: STUB_FLOPS.full,
    decision: { mode: reused ? "step" : "full" },
    scalars: [],
    durationMs: 1,
    policyMs: 0,
  };
}

function resultOf(settings: Settings, steps: readonly StepTrace[]): EngineResult {
  const { width, height, frames: count } = settings.shape;
  const digest = createHash("sha256").update(`${settings.prompt}\n${settings.seed}`).digest();
  const data = new Uint8Array(width * height * count * 3);
  for (let at = 0; at < data.length; at++)
    data[at] = ((digest[at % 3] ?? 0) + Math.floor(at / (width * 3))) & 255;
  return {
    frames: { width, height, count, data },
    trace: traceOf(settings, steps),
    notices: [],
    settings: usedSettings(settings),
    peakMemoryBytes: 1,
  };
}

function traceOf(settings: Settings, steps: readonly StepTrace[]): RunTrace {
  const sum = (value: (one: StepTrace) => number) => steps.reduce((total, one) => total + value(one), 0);
  const levels = Array.from({ length: settings.steps + 1 }, (_, index) => 1 - index / settings.steps);
  return {
    policy: settings.cache.policy,
    profile: null,
    run: recordRun({
      steps: settings.steps,
      scheduler: settings.scheduler.kind,
      sigmas: levels,
      timesteps: levels.slice(0, -1).map((level) => level * 1000),
      branches: ["cond"],
      denoisers: [],
    }),
    steps,
    text: [{ id: "text", durationMs: 1, flops: STUB_FLOPS.text }],
    textCached: 0,
    decode: [{ id: "decode", durationMs: 1, flops: STUB_FLOPS.decode }],
    textMs: 1,
    denoiseMs: steps.length,
    decodeMs: 1,
    totalMs: steps.length + 2,
    denoiseFlops: sum(({ flops }) => flops),
    fullDenoiseFlops: sum(({ fullFlops }) => fullFlops),
    cacheBytesPeak: 0,
  };
}
