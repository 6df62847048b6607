/** A run's trace as a file: for timelines, bills and benchmarks, and enough to replay every decision. */

import { z } from "zod";
import { invalid } from "../errors.ts";
import { fullRequest } from "./cache/policies.ts";
import type { GenerateRequest, UsedSettings } from "./settings.ts";
import { totalsOf } from "./totals.ts";
import { type RunTrace, type StepTrace, stepMode, sumFlops } from "./trace.ts";

export const TRACE_FORMAT = "mixcache.trace/1";

const branch = z.enum(["cond", "uncond"]);
const flops = z.number().nonnegative().describe("by the bundle's manifest");
const milliseconds = z.number();
/** null is what JSON can't write: no number, or infinite. */
const scalar = z.number().nullable();

const settingsSchema = z
  .strictObject({
    prompt: z.string(),
    negative_prompt: z.string(),
    seed: z.string().regex(/^\d+$/).describe("a text, as it may be larger than 2^53"),
    num_inference_steps: z.int().positive(),
    guidance_scale: z.number(),
    guidance_scales: z.record(z.string(), z.number()).describe("by denoiser"),
    width: z.int(),
    height: z.int(),
    num_frames: z.int(),
    scheduler: z.enum(["flow_match_euler", "unipc", "ddim"]),
  })
  .describe("what makes the same video again");

const denoiserSchema = z.strictObject({
  id: z.string(),
  steps: z.tuple([z.int(), z.int()]).describe("from the first up to the second"),
  branches: z.array(branch),
  guidance_scale: z.number(),
  cuts: z.array(z.int()).describe("places where a run can stop, as numbers of blocks done"),
  shares: z.array(z.number()).describe("of each cut: the share of a branch's FLOPs that lies before it"),
});

const runSchema = z
  .strictObject({
    steps: z.int().positive(),
    scheduler: z.string(),
    sigmas: z.array(z.number()).describe("noise levels, one more than steps"),
    timesteps: z.array(z.number()).describe("what the model is told, 0 to 1000"),
    branches: z.array(branch),
    denoisers: z.array(denoiserSchema).describe("in the order in which they serve"),
  })
  .describe("what the policy was told of the run");

const stepSchema = z.strictObject({
  index: z.int().nonnegative(),
  sigma: z.number(),
  denoiser: z.string(),
  mode: z.string().describe("the policy's word: full, step, cfg, block, …"),
  flops,
  full_flops: flops.describe("of the same step with nothing reused"),
  values: z.record(z.string(), scalar).describe("distances, scores and thresholds"),
  margin: scalar.describe("how far the scalars were from another decision, over the threshold"),
  deviation: scalar.describe("what the policy found its cache to be wrong by"),
  scalars: z.array(scalar).describe("everything that the policy was told, in order"),
  duration_ms: milliseconds,
  policy_ms: milliseconds.describe(
    "of that, the policy's own: decisions and the distances that they rest on",
  ),
  branches: z.array(z.strictObject({ branch, plan: z.string(), flops, duration_ms: milliseconds })),
});

const totalsSchema = z.strictObject({
  modes: z.record(z.string(), z.int()).describe("steps by mode"),
  dit_flops: flops,
  dit_flops_saved: z.number(),
  ideal_speedup: z.number().describe("of the DiT, if nothing but FLOPs took time"),
  dit_ms: milliseconds.describe("all steps"),
  uncached_dit_ms: milliseconds.describe(
    "estimated: each step as long as its denoiser's median step in full, the policy's time left out",
  ),
  saved_ms: milliseconds.describe("the difference, and so of the whole video"),
  dit_speedup: z.number().describe("uncached_dit_ms over dit_ms"),
  text_ms: milliseconds,
  decode_ms: milliseconds,
  end_to_end_ms: milliseconds.describe("text, steps and decoder; not the file"),
  end_to_end_speedup: z.number().describe("by saved_ms"),
  policy_ms: milliseconds,
  cache_bytes_peak: z.number(),
});

export const traceSchema = z.strictObject({
  format: z.literal(TRACE_FORMAT),
  bundle: z.strictObject({ id: z.string(), digest: z.string() }),
  engine: z.strictObject({
    backend: z.string(),
    device: z.string(),
    details: z.string().optional(),
    threads: z.int(),
  }),
  settings: settingsSchema,
  cache: z.looseObject({ policy: z.string() }).describe("the policy with all its options"),
  profile: z.string().nullable().describe("SHA-256 of the warm cache profile that the policy had"),
  run: runSchema,
  steps: z.array(stepSchema),
  totals: totalsSchema,
});

export type TraceFile = z.infer<typeof traceSchema>;

/** Where a run was made, and with what. */
export interface TraceAbout {
  readonly bundle: TraceFile["bundle"];
  readonly engine: TraceFile["engine"];
  readonly settings: UsedSettings;
}

/** The file of a run whose policy was made of its request. */
export function traceFile(trace: RunTrace, { bundle, engine, settings }: TraceAbout): TraceFile {
  const { cache, seed, ...rest } = settings;
  return {
    format: TRACE_FORMAT,
    bundle,
    engine,
    settings: { ...rest, seed: seed.toString(), guidance_scales: { ...settings.guidance_scales } },
    cache: fullRequest(cache),
    profile: trace.profile,
    run: runOf(trace),
    steps: trace.steps.map(stepOf),
    totals: totals(trace),
  };
}

/** The request that makes the same video again. */
export function requestOfTrace({ settings, cache }: TraceFile): GenerateRequest {
  const { seed, guidance_scales, ...rest } = settings;
  const [, second] = Object.values(guidance_scales);
  return { ...rest, seed: BigInt(seed), ...(second !== undefined && { guidance_scale_2: second }), cache };
}

/** @throws MixcacheError `invalid_argument` that names the file and what is wrong with it */
export function readTrace(text: string, file: string): TraceFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    invalid("trace", `The trace ${file} is cut off or is no JSON. Make it anew by --trace.`);
  }
  const parsed = traceSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join(".") || "at its top";
  return invalid(
    "trace",
    `${file} is no trace of the format ${TRACE_FORMAT} (${where}: ${issue?.message}). Make it anew by --trace.`,
  );
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
