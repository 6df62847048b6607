/** One video of one contestant: what determined it and what came of it. */

import { z } from "zod";
import { profileKey } from "../engine/cache/profile.ts";
import type { VideoMetrics } from "../engine/metrics/index.ts";
import type { Settings } from "../engine/settings.ts";
import { type StepTrace, stepMode } from "../engine/trace.ts";
import { invalid } from "../errors.ts";
import type { EngineInfo } from "../node/index.ts";

export const RESULT_FORMAT = "mixcache.result/1";

/** Everything that determines a video; its digest is the result's address. */
const keySchema = z.strictObject({
  bundle: z.string(),
  engine: z.strictObject({
    /** Version of the package, and a digest of the engine's source. */
    version: z.string(),
    backend: z.string(),
    device: z.string(),
    details: z.string().optional(),
    threads: z.int(),
  }),
  prompt: z.string(),
  negative_prompt: z.string(),
  seed: z.string(),
  num_inference_steps: z.int(),
  guidance_scales: z.record(z.string(), z.number()),
  scheduler: z.string(),
  width: z.int(),
  height: z.int(),
  num_frames: z.int(),
  cache: z.looseObject({ policy: z.string() }),
  /** Digest of the warm profile that policies could see. */
  profile: z.string().optional(),
});

const number = z.number().nullable();

/** What each step was, in columns; null where a step had nothing to say. */
const stepsSchema = z.strictObject({
  /** The policy's own word: full, step, cfg, block, … */
  mode: z.array(z.string()),
  /** FLOPs over those of the same step in full. */
  cost: z.array(z.number()),
  /** How far the scalars were from another decision. */
  margin: z.array(number),
  /** What the policy found its cache to be wrong by. */
  deviation: z.array(number),
  /** Distances, scores and thresholds, by name. */
  values: z.record(z.string(), z.array(number)),
});

const metricsSchema = z.strictObject({
  psnr: z.number(),
  psnr_video: z.number(),
  ssim: z.number(),
  haarpsi: z.number(),
  gmsd: z.number(),
  psnr_temporal: z.number(),
  /** null: infinite, against a reference without an edge. */
  sharpness_ratio: number,
}) satisfies z.ZodType<{ [name in keyof VideoMetrics]: number | null }>;

export const resultSchema = z.strictObject({
  format: z.literal(RESULT_FORMAT),
  digest: z.string(),
  key: keySchema,
  frames_sha256: z.string(),
  /** Against the uncached video; null for that one itself. */
  metrics: metricsSchema.nullable(),
  /** The uncached run of the same prompt and seed, timed in the same sitting; null for that one itself. */
  reference: z.strictObject({ digest: z.string(), flops: z.number(), denoise_ms: z.number() }).nullable(),
  flops: z.number(),
  denoise_ms: z.number(),
  total_ms: z.number(),
  policy_ms: z.number(),
  cache_bytes_peak: z.number(),
  steps: stepsSchema,
  /** Whether the video shows what its prompt says, where a scorer knows. */
  adherence: z.record(z.string(), z.boolean()).nullable(),
});

export type RunKey = z.infer<typeof keySchema>;
export type Result = z.infer<typeof resultSchema>;
export type Metrics = z.infer<typeof metricsSchema>;
export type Steps = z.infer<typeof stepsSchema>;

/** @throws MixcacheError `invalid_argument` that names the file */
export function readResult(json: unknown, file: string): Result {
  const parsed = resultSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  return invalid(
    "output",
    `${file} is no result of this lab (${parsed.error.issues[0]?.message}). Remove it.`,
  );
}

/** What determines the video of these settings on this engine. */
export function runKey(info: EngineInfo, version: string, settings: Settings, profile?: string): RunKey {
  const { bundle, scheduler, guidance_scales, width, height, frames } = profileKey(info.digest, settings);
  return {
    bundle,
    engine: {
      version,
      backend: info.backend,
      device: info.device,
      ...(info.details !== undefined && { details: info.details }),
      threads: info.threads,
    },
    prompt: settings.prompt,
    negative_prompt: settings.negativePrompt,
    seed: settings.seed.toString(),
    num_inference_steps: settings.steps,
    guidance_scales,
    scheduler,
    width,
    height,
    num_frames: frames,
    cache: settings.cache,
    ...(profile !== undefined && { profile }),
  };
}

/** Five digits say all that a chart or a threshold needs, and keep files small. */
function short(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? Number(value.toPrecision(5)) : null;
}

export function stepsOf(steps: readonly StepTrace[]): Steps {
  const names = new Set(steps.flatMap(({ decision }) => Object.keys(decision?.values ?? {})));
  return {
    mode: steps.map(stepMode),
    cost: steps.map(({ flops, fullFlops }) => short(flops / fullFlops) ?? 0),
    margin: steps.map(({ decision }) => short(decision?.margin)),
    deviation: steps.map(({ deviation }) => short(deviation)),
    values: Object.fromEntries(
      [...names].map((name) => [name, steps.map(({ decision }) => short(decision?.values?.[name]))]),
    ),
  };
}

/** Metrics as JSON can say them. */
export function storedMetrics(metrics: VideoMetrics): Metrics {
  return {
    ...metrics,
    sharpness_ratio: Number.isFinite(metrics.sharpness_ratio) ? metrics.sharpness_ratio : null,
  };
}
