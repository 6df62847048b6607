/** Running videos are cancelled over HTTP; how long until the engine has nothing to do any more? */

import { setTimeout as wait } from "node:timers/promises";
import type { EngineHooks, Progress } from "../../src/node/index.ts";
import type { WorkerEngine } from "../../src/worker/index.ts";
import type { TestApi } from "../support/api.ts";

export interface CancelOptions {
  readonly cancels: number;
  /** Steps of each video: more than are done before the cancel. */
  readonly steps: number;
  /** A number in [0, 1): how long after its first step a video is cancelled. */
  readonly random: () => number;
  /** The latest that it is, after that step. */
  readonly latestMs: number;
}

export interface CancelReport {
  /** Videos that ended as cancelled. */
  readonly cancelled: number;
  /** From sending the cancel to the engine's being idle, sorted. */
  readonly idleMs: readonly number[];
  /** Of all the steps that were finished, the median. */
  readonly stepMs: number;
  /** Of those, the ones whose usage has what was computed; by it they are billed. */
  readonly counted: number;
}

/** Knows when the engine under it works, and how long its steps take. */
export class WatchedEngine implements WorkerEngine {
  readonly #engine: WorkerEngine;
  readonly stepsMs: number[] = [];
  #idle: Promise<number> = Promise.resolve(0);
  #begun = Promise.withResolvers<void>();

  constructor(engine: WorkerEngine) {
    this.#engine = engine;
  }

  /** Resolves with the time when the engine has ended what it is at. */
  get idle(): Promise<number> {
    return this.#idle;
  }

  /** Resolves when the next video has its first step behind it. */
  next(): Promise<void> {
    this.#begun = Promise.withResolvers();
    return this.#begun.promise;
  }

  info() {
    return this.#engine.info();
  }

  generate(request: Parameters<WorkerEngine["generate"]>[0], hooks: EngineHooks = {}) {
    let lastMs = performance.now();
    const onProgress = (progress: Progress) => {
      hooks.onProgress?.(progress);
      const nowMs = performance.now();
      // The first step begins where the texts are read.
      if (progress.phase === "text") lastMs = nowMs;
      if (progress.phase !== "denoise" || !progress.finished) return;
      this.stepsMs.push(nowMs - lastMs);
      lastMs = nowMs;
      this.#begun.resolve();
    };
    const made = this.#engine.generate(request, { ...hooks, onProgress });
    this.#idle = made.then(
      () => performance.now(),
      () => performance.now(),
    );
    return made;
  }

  dispose(): void {
    this.#engine.dispose();
  }
}

/** Runs the drill: one worker, one video at a time. */
export async function cancels(
  api: TestApi,
  engine: WatchedEngine,
  options: CancelOptions,
): Promise<CancelReport> {
  const { key } = api;
  const post = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const response = await fetch(`${api.origin}/v1/videos${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    return (await response.json()) as { id: string };
  };
  await api.startWorkerWith(engine);
  const idleMs: number[] = [];
  for (let done = 0; done < options.cancels; done++) {
    const begun = engine.next();
    const { id } = await post("", {
      prompt: "a red circle",
      num_inference_steps: options.steps,
      cache: "off",
    });
    await begun;
    await wait(options.random() * options.latestMs);
    const idle = engine.idle;
    const sentMs = performance.now();
    await post(`/${id}/cancel`, {});
    idleMs.push((await idle) - sentMs);
  }
  while ((await api.database.query(LIVE)).length > 0) await wait(10);
  const [ended] = await api.database.query<{ cancelled: number; counted: number }>(ENDED);
  return {
    cancelled: ended?.cancelled ?? 0,
    counted: ended?.counted ?? 0,
    idleMs: idleMs.toSorted((a, b) => a - b),
    stepMs: median(engine.stepsMs),
  };
}

const LIVE = "select 1 from mixcache.videos where cost is null limit 1";
const ENDED = `
  select (count(*) filter (where error_code = 'cancelled'))::integer as cancelled,
    (count(*) filter (where (usage->>'flops')::numeric > 0))::integer as counted
  from mixcache.videos`;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Below it are so many of the sorted values. @param share 0 to 1 */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
