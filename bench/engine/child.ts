/** Figure 4: the engine in its child process, as servers and the command line use it. */

import { monitorEventLoopDelay } from "node:perf_hooks";
import { quantile } from "../../src/engine/metrics/statistics.ts";
import { MixcacheError } from "../../src/errors.ts";
import { EngineChild, type EngineOptions } from "../../src/node/index.ts";
import type { Effort, Figure } from "./figure.ts";
import { median } from "./stats.ts";

/** The finest that Node offers; every sample holds this much that is no delay. */
const RESOLUTION_MS = 1;

/** The parent's responsiveness, the time to the first step, memory and time of a default video. */
export async function childFigures(
  options: EngineOptions,
  prompt: string,
  { quick }: Effort,
): Promise<Figure[]> {
  const starts: number[] = [];
  for (let i = 0; i < (quick ? 1 : 5); i++) starts.push(await firstStepMs(options, prompt));

  const engine = await EngineChild.start(options);
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const videosMs: number[] = [];
  const p99: number[] = [];
  let peakBytes = 0;
  let steps = 0;
  try {
    for (let i = 0; i < (quick ? 1 : 5); i++) {
      delays.reset();
      delays.enable();
      const started = performance.now();
      const result = await engine.generate({ prompt, cache: "off" });
      videosMs.push(performance.now() - started);
      delays.disable();
      p99.push(delays.percentile(99) / 1e6 - RESOLUTION_MS);
      peakBytes = Math.max(peakBytes, result.peakMemoryBytes);
      steps = result.settings.num_inference_steps;
    }
  } finally {
    engine.dispose();
  }
  const { threads } = options;
  const range = (values: readonly number[], unit: number) =>
    `${(Math.min(...values) / unit).toFixed(2)} to ${(Math.max(...values) / unit).toFixed(2)}`;
  return [
    {
      id: "event_loop_delay_p99",
      title: "event loop delay of the parent, p99",
      value: median(p99),
      unit: "ms",
      goal: { is: "below", value: 20 },
      note: `while generating; ${range(p99, 1)} ms over ${p99.length} videos`,
    },
    {
      id: "first_step",
      title: "child start to first step done",
      value: median(starts) / 1000,
      unit: "s",
      goal: { is: "at most", value: 1.5 },
      note: `${range(starts, 1000)} s over ${starts.length} starts, files in the disk cache`,
    },
    {
      id: "child_memory",
      title: "peak memory of the child",
      value: peakBytes / 1e6,
      unit: "MB",
      note: "largest resident set",
    },
    {
      id: "default_video",
      title: `uncached video, ${steps} steps, ${threads} threads`,
      value: median(videosMs) / 1000,
      unit: "s",
      goal: { is: "at most", value: 8 },
      note: `${range(videosMs, 1000)} s over ${videosMs.length} videos, p75 ${(quantile(videosMs, 0.75) / 1000).toFixed(2)} s`,
    },
  ];
}

/** From the fork of a new child until its first denoising step is done; the run is then stopped. */
async function firstStepMs(options: EngineOptions, prompt: string): Promise<number> {
  const started = performance.now();
  const engine = await EngineChild.start(options);
  const stop = new AbortController();
  let reached: number | undefined;
  try {
    await engine.generate(
      { prompt, cache: "off" },
      {
        signal: stop.signal,
        onProgress: (progress) => {
          if (reached !== undefined || progress.phase !== "denoise") return;
          if (progress.fraction * progress.steps < 1 - 1e-9) return;
          reached = performance.now() - started;
          stop.abort();
        },
      },
    );
  } catch (error) {
    if (!(error instanceof MixcacheError && error.code === "aborted")) throw error;
  } finally {
    engine.dispose();
  }
  if (reached === undefined)
    throw new MixcacheError("engine_failed", "The engine never finished its first step.");
  return reached;
}
