/** A request, checked against a bundle and with every default filled in. */

import { invalid, MixcacheError } from "../errors.ts";
import type { DenoiserManifest, Manifest, SchedulerManifest } from "./bundle/manifest.ts";
import { type CacheRequest, cacheRequest } from "./cache/request.ts";
import { type VideoShape, videoShape } from "./shape.ts";

/** What a caller asks for. Only the prompt is needed; the bundle has defaults for the rest. */
export interface GenerateRequest {
  readonly prompt: string;
  /** Default: the bundle's own. An empty one is none. */
  readonly negative_prompt?: string;
  /** 0 to 2^64 − 1; the same noise as PyTorch's CPU generator with this seed. Default 0. */
  readonly seed?: number | bigint;
  readonly num_inference_steps?: number;
  readonly guidance_scale?: number;
  /**
   * Of the denoisers that take over from the first, where a bundle has experts. Default: `guidance_scale` if it is
   * given, else what the bundle says for each.
   */
  readonly guidance_scale_2?: number;
  readonly width?: number;
  readonly height?: number;
  readonly num_frames?: number;
  /** One of the bundle's schedulers by kind. */
  readonly scheduler?: SchedulerManifest["kind"];
  /**
   * What is reused between steps: a policy's name, or an object with its options beside its name. Default: MixCache
   * with the preset "high". "off" computes everything.
   */
  readonly cache?: CacheRequest | string;
}

/** A request whose every field is known to be possible. */
export interface Settings {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly seed: bigint;
  readonly steps: number;
  /** Of the denoiser that serves first. */
  readonly guidanceScale: number;
  /** Of every denoiser, by its id. */
  readonly guidanceScales: Readonly<Record<string, number>>;
  readonly shape: VideoShape;
  readonly scheduler: SchedulerManifest;
  readonly cache: CacheRequest;
}

/** The settings of a run in the words of requests, every default filled in: what makes the same video again. */
export interface UsedSettings {
  readonly prompt: string;
  readonly negative_prompt: string;
  readonly seed: bigint;
  readonly num_inference_steps: number;
  /** Of the denoiser that serves first. */
  readonly guidance_scale: number;
  /** By denoiser, in the order in which they serve. */
  readonly guidance_scales: Readonly<Record<string, number>>;
  readonly width: number;
  readonly height: number;
  readonly num_frames: number;
  readonly scheduler: SchedulerManifest["kind"];
  readonly cache: CacheRequest;
}

export function usedSettings(settings: Settings): UsedSettings {
  const { width, height, frames } = settings.shape;
  return {
    prompt: settings.prompt,
    negative_prompt: settings.negativePrompt,
    seed: settings.seed,
    num_inference_steps: settings.steps,
    guidance_scale: settings.guidanceScale,
    guidance_scales: settings.guidanceScales,
    width,
    height,
    num_frames: frames,
    scheduler: settings.scheduler.kind,
    cache: settings.cache,
  };
}

/** The guidance scale of a denoiser of the bundle. */
export function guidanceOf({ guidanceScales }: Settings, { id }: DenoiserManifest): number {
  const scale = guidanceScales[id];
  if (scale === undefined)
    throw new MixcacheError("engine_failed", `The settings have no guidance scale for the denoiser ${id}.`);
  return scale;
}

/** The longest prompt; far beyond what any text encoder reads. */
export const MAX_PROMPT_CHARACTERS = 4000;
const MAX_GUIDANCE_SCALE = 100;

/**
 * Checks a request.
 * @throws MixcacheError `invalid_argument` whose `field` is the request's field and whose message says what to change.
 */
export function resolveSettings(manifest: Manifest, request: GenerateRequest): Settings {
  const { video } = manifest;
  return {
    prompt: checkPrompt("prompt", request.prompt),
    negativePrompt: checkLength(
      "negative_prompt",
      request.negative_prompt ?? manifest.default_negative_prompt,
    ),
    seed: checkSeed(request.seed ?? 0),
    steps: checkSteps(request.num_inference_steps ?? manifest.default_steps, manifest.max_steps),
    ...checkGuidance(manifest, request),
    shape: videoShape(
      manifest,
      request.width ?? video.default.width,
      request.height ?? video.default.height,
      request.num_frames ?? video.default.frames,
    ),
    scheduler: checkScheduler(manifest, request.scheduler),
    cache: cacheRequest(request.cache),
  };
}

function checkLength(field: string, text: unknown): string {
  if (typeof text !== "string") invalid(field, `${field} must be a text.`);
  if (text.length > MAX_PROMPT_CHARACTERS) {
    invalid(
      field,
      `${field} has ${text.length} characters; the most is ${MAX_PROMPT_CHARACTERS}. Shorten it.`,
    );
  }
  return text;
}

function checkPrompt(field: string, text: unknown): string {
  const prompt = checkLength(field, text);
  if (prompt.trim() === "") invalid(field, `${field} is empty. Say what the video should show.`);
  return prompt;
}

function checkSeed(seed: number | bigint): bigint {
  const whole = typeof seed === "bigint" || Number.isSafeInteger(seed);
  if (!whole || BigInt(seed) < 0n || BigInt(seed) >= 1n << 64n) {
    invalid(
      "seed",
      `seed is ${seed}; it must be a whole number from 0 to 2^64 - 1 (beyond 2^53 as a bigint).`,
    );
  }
  return BigInt(seed);
}

function checkSteps(steps: number, most: number): number {
  if (!Number.isInteger(steps) || steps < 1 || steps > most) {
    invalid(
      "num_inference_steps",
      `num_inference_steps is ${steps}; it must be a whole number from 1 to ${most}.`,
    );
  }
  return steps;
}

function checkGuidance({ denoisers, title }: Manifest, request: GenerateRequest) {
  const { guidance_scale, guidance_scale_2, negative_prompt } = request;
  const [first, ...others] = [...denoisers].sort((a, b) => b.noise_levels[0] - a.noise_levels[0]);
  if (negative_prompt && denoisers.every(({ guidance }) => guidance.kind !== "cfg")) {
    invalid(
      "negative_prompt",
      `${title} has no classifier-free guidance, so it can't use a negative_prompt.`,
    );
  }
  if (guidance_scale_2 !== undefined && others.length === 0) {
    invalid("guidance_scale_2", `${title} has no second denoiser. Leave guidance_scale_2 out.`);
  }
  const guidanceScale = checkScale(title, first, "guidance_scale", guidance_scale);
  const field = guidance_scale_2 === undefined ? "guidance_scale" : "guidance_scale_2";
  const scales = others.map((denoiser) => [denoiser.id, checkScale(title, denoiser, field, request[field])]);
  return {
    guidanceScale,
    guidanceScales: { ...(first && { [first.id]: guidanceScale }), ...Object.fromEntries(scales) },
  };
}

function checkScale(
  title: string,
  denoiser: DenoiserManifest | undefined,
  field: "guidance_scale" | "guidance_scale_2",
  asked: number | undefined,
): number {
  const guidance = denoiser?.guidance ?? { kind: "none" };
  if (guidance.kind === "none" && asked !== undefined && asked !== 1) {
    invalid(field, `${title} works without guidance. Leave ${field} out.`);
  }
  const scale = asked ?? (guidance.kind === "none" ? 1 : guidance.default_scale);
  if (!(scale >= 0 && scale <= MAX_GUIDANCE_SCALE)) {
    invalid(field, `${field} is ${scale}; it must be a number from 0 to ${MAX_GUIDANCE_SCALE}.`);
  }
  return scale;
}

function checkScheduler({ schedulers, title }: Manifest, kind: string | undefined): SchedulerManifest {
  const found = kind === undefined ? schedulers[0] : schedulers.find((scheduler) => scheduler.kind === kind);
  if (!found)
    invalid(
      "scheduler",
      `${title} has no scheduler ${kind}; it has ${schedulers.map((s) => s.kind).join(", ")}.`,
    );
  return found;
}
