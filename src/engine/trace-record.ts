/** A run's trace in the form of the file. Knows no schema, so that a page that only writes traces need not load any. */

import type { CacheRequest } from "./cache/request.ts";
import type { UsedSettings } from "./settings.ts";
import { totalsOf } from "./totals.ts";
import { type RunTrace, type StepTrace, stepMode, sumFlops, TRACE_FORMAT } from "./trace.ts";
import type { TraceFile } from "./trace-schema.ts";

/** Where a run was made, and with what. */
export interface TraceAbout {
  readonly bundle: TraceFile["bundle"];
  readonly engine: TraceFile["engine"];
  readonly settings: UsedSettings;
}

/** @param cache the policy with its options, as the file shall have it */
export function traceRecord(
  trace: RunTrace,
  { bundle, engine, settings }: TraceAbout,
  cache: CacheRequest,
): TraceFile {
  const { cache: _, seed, ...rest } = settings;
  return {
    format: TRACE_FORMAT,
    bundle,
    engine,
    settings: { ...rest, seed: seed.toString(), guidance_scales: { ...settings.guidance_scales } },
    cache,
    profile: trace.profile,
    run: runOf(trace),
    steps: trace.steps.map(stepOf),
    totals: totals(trace),
  };
}

/** As JSON will say it. */
export function writable(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function runOf({ run: { denoisers, ...run } }: RunTrace): TraceFile["run"] {
  return {
    ...run,
    sigmas: [...run.sigmas],
    timesteps: [...run.timesteps],
    branches: [...run.branches],
    denoisers: denoisers.map(({ id, steps, branches, guidanceScale, cuts, shares }) => ({
      id,
      steps: [...steps],
      branches: [...branches],
      guidance_scale: guidanceScale,
      cuts: [...cuts],
      shares: [...shares],
    })),
  };
}

function stepOf(step: StepTrace): TraceFile["steps"][number] {
  const { index, sigma, denoiser, decision, branches } = step;
  return {
    index,
    sigma,
    denoiser,
    mode: stepMode(step),
    flops: step.flops,
    full_flops: step.fullFlops,
    values: valuesOf(decision?.values),
    margin: writable(decision?.margin),
    deviation: writable(step.deviation),
    scalars: step.scalars.map(writable),
    duration_ms: step.durationMs,
    policy_ms: step.policyMs,
    branches: branches.map(({ branch: of, plan, graphs }) => ({
      branch: of,
      plan,
      flops: sumFlops(graphs),
      duration_ms: graphs.reduce((sum, { durationMs }) => sum + durationMs, 0),
    })),
  };
}

/** Distances, scores and thresholds as a file has them. */
export function valuesOf(values: Readonly<Record<string, number>> = {}): Record<string, number | null> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, writable(value)]));
}

function totals(trace: RunTrace): TraceFile["totals"] {
  const all = totalsOf(trace);
  return {
    modes: { ...all.modes },
    dit_flops: trace.denoiseFlops,
    dit_flops_saved: all.flopsSaved,
    ideal_speedup: all.idealSpeedup,
    dit_ms: all.ditMs,
    uncached_dit_ms: all.uncachedDitMs,
    saved_ms: all.savedMs,
    dit_speedup: all.ditSpeedup,
    text_ms: trace.textMs,
    decode_ms: trace.decodeMs,
    end_to_end_ms: trace.totalMs,
    end_to_end_speedup: all.endToEndSpeedup,
    policy_ms: all.policyMs,
    cache_bytes_peak: trace.cacheBytesPeak,
  };
}
