/** A request of the API as what the jobs keep: every default filled in, and known to be possible on its model. */

import { createPolicy, fullRequest } from "../../engine/cache/policies.ts";
import { cacheRequest } from "../../engine/cache/request.ts";
import { resolveSettings, type Settings } from "../../engine/settings.ts";
import { MixcacheError } from "../../errors.ts";
import type { VideoRequest } from "../../jobs/index.ts";
import type { CreateVideo } from "../../schemas/create-video.ts";
import type { ServedModel } from "../context.ts";
import { framesFor, lengthsOf, sizesOf } from "./abilities.ts";

/** A request that can be done. */
export interface Wish {
  readonly model: ServedModel;
  readonly request: VideoRequest;
  readonly settings: Settings;
}

/**
 * @param drawSeed gives a seed to a request that has none
 * @throws MixcacheError `model_not_found`, or `invalid_argument` that lists what the model can do
 */
export function wishOf(
  asked: CreateVideo,
  models: readonly [ServedModel, ...ServedModel[]],
  drawSeed: () => bigint,
): Wish {
  const model = modelNamed(asked.model, models);
  const { manifest } = model;
  const fps = asked.fps ?? manifest.video.default.fps;
  const { width, height } = sizeOf(asked, model);
  const num_frames = framesOf(asked, model, fps);
  const cache = fullRequest(cacheRequest(asked.cache));
  const settings = settingsOf(asked, model, { width, height, num_frames, cache }, drawSeed);
  checkPolicy(settings, model);
  const second = Object.entries(settings.guidanceScales).find(
    ([, scale]) => scale !== settings.guidanceScale,
  );
  return {
    model,
    settings,
    request: {
      prompt: settings.prompt,
      negative_prompt: settings.negativePrompt,
      model: model.id,
      width,
      height,
      num_frames,
      fps,
      seed: settings.seed.toString(),
      ...(asked.seconds !== undefined && { seconds: String(asked.seconds) }),
      num_inference_steps: settings.steps,
      guidance_scale: settings.guidanceScale,
      ...(second && { guidance_scale_2: second[1] }),
      output_format: formatOf(asked, model),
      cache,
      metadata: asked.metadata ?? {},
      ...(asked.previews !== undefined && { previews: asked.previews }),
      ...(asked.deadline_seconds !== undefined && { deadline_seconds: asked.deadline_seconds }),
      ...(asked.webhook_url !== undefined && { webhook_url: asked.webhook_url }),
      ...(asked.webhook_events !== undefined && { webhook_events: asked.webhook_events }),
    },
  };
}

function modelNamed(id: string | undefined, models: readonly [ServedModel, ...ServedModel[]]): ServedModel {
  const found = id === undefined ? models[0] : models.find((model) => model.id === id);
  if (found) return found;
  throw new MixcacheError(
    "model_not_found",
    `There is no model “${id}” here. Choose one of ${models.map((model) => model.id).join(", ")}, or leave model out.`,
    { field: "model" },
  );
}

function refuse(field: string, sentence: string): never {
  throw new MixcacheError("invalid_argument", sentence, { field });
}

function sizeOf({ size }: CreateVideo, { manifest }: ServedModel): { width: number; height: number } {
  const { video, title } = manifest;
  if (size === undefined) return video.default;
  const [width = 0, height = 0] = size.split("x").map(Number);
  const fits = (value: number, { min, max, multiple }: typeof video.width) =>
    value >= min && value <= max && value % multiple === 0;
  if (!fits(width, video.width) || !fits(height, video.height))
    refuse("size", `size is ${size}, but ${title} makes ${sizesOf(manifest)}.`);
  return { width, height };
}

function framesOf({ seconds, num_frames }: CreateVideo, { manifest }: ServedModel, fps: number): number {
  const { video, title } = manifest;
  if (seconds === undefined) return num_frames ?? video.default.frames;
  const frames = framesFor(manifest, Number(seconds), fps);
  if (frames === undefined)
    refuse("seconds", `seconds is ${seconds}, but ${title} makes ${lengthsOf(manifest, fps)}.`);
  if (num_frames !== undefined && num_frames !== frames)
    refuse(
      "num_frames",
      `num_frames is ${num_frames}, but seconds ${seconds} at ${fps} fps are ${frames} frames. Give one of the two.`,
    );
  return frames;
}

function formatOf({ output_format }: CreateVideo, { formats }: ServedModel): "mp4" | "webp" {
  if (output_format === undefined) return formats[0];
  if (!formats.includes(output_format))
    refuse(
      "output_format",
      `output_format is ${output_format}, but this server makes only ${formats.join(", ")}.`,
    );
  return output_format;
}

function settingsOf(
  asked: CreateVideo,
  { manifest }: ServedModel,
  sizes: Pick<VideoRequest, "width" | "height" | "num_frames" | "cache">,
  drawSeed: () => bigint,
): Settings {
  const { prompt, negative_prompt, num_inference_steps, guidance_scale, guidance_scale_2, seed } = asked;
  try {
    return resolveSettings(manifest, {
      prompt,
      ...sizes,
      seed: seed === undefined ? drawSeed() : BigInt(seed),
      ...(negative_prompt !== undefined && { negative_prompt }),
      ...(num_inference_steps !== undefined && { num_inference_steps }),
      ...(guidance_scale !== undefined && { guidance_scale }),
      ...(guidance_scale_2 !== undefined && { guidance_scale_2 }),
    });
  } catch (error) {
    throw inOurWords(error, asked);
  }
}

/** The engine speaks of width, height and frames; a caller may have said size and seconds. */
function inOurWords(error: unknown, { seconds, num_frames }: CreateVideo): unknown {
  if (!(error instanceof MixcacheError) || error.field === undefined) return error;
  const renamed = { width: "size", height: "size" }[error.field] ?? error.field;
  const field =
    renamed === "num_frames" && num_frames === undefined && seconds !== undefined ? "seconds" : renamed;
  return new MixcacheError(error.code, error.message, { field, cause: error });
}

/** Whether the model can follow the policy. A measured profile is the worker's affair: it may have one. */
function checkPolicy(settings: Settings, { manifest }: ServedModel): void {
  try {
    createPolicy(settings.cache, { manifest, settings, profile: undefined });
  } catch (error) {
    if (!(error instanceof MixcacheError && error.code === "profile_missing")) throw error;
  }
}
