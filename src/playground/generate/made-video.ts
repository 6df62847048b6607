/** A video as the page keeps it, wherever it was made. */

import type { CacheRequest } from "../../engine/cache/request.ts";
import type { VideoObject } from "../../schemas/video.ts";
import { choiceOf } from "../settings/cache-choice.ts";
import type { Draft, VideoRequest } from "../settings/draft.ts";

/** Where a video is made. */
export type Place = "server" | "browser";

export interface MadeVideo {
  readonly id: string;
  readonly place: Place;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly status: VideoObject["status"];
  /** Why it failed, in a sentence. */
  readonly failure: string | undefined;
  readonly prompt: string;
  readonly negativePrompt: string;
  /** Digits. */
  readonly seed: string;
  readonly steps: number;
  readonly guidance: number;
  readonly cache: CacheRequest;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly fps: number;
  /** What the engine took; undefined before the end. */
  readonly engineSeconds: number | undefined;
  /** What was charged; undefined before the end, and of what the browser made. */
  readonly cost: { readonly amount: string; readonly currency: string } | undefined;
}

/** A video of the API. */
export function madeOfApi(video: VideoObject): MadeVideo {
  const [width = 0, height = 0] = video.size.split("x").map(Number);
  const { policy, options } = video.cache;
  const { amount, currency } = video.cost;
  return {
    id: video.id,
    place: "server",
    createdAtMs: video.created_at * 1000,
    status: video.status,
    failure: video.error?.message,
    prompt: video.prompt,
    negativePrompt: video.negative_prompt,
    seed: String(video.seed),
    steps: video.num_inference_steps,
    guidance: video.guidance_scale,
    cache: { ...options, policy },
    width,
    height,
    frames: video.num_frames,
    fps: video.fps,
    engineSeconds: video.usage?.engine_seconds,
    cost: amount === null ? undefined : { amount, currency },
  };
}

/** The form that makes a video again. */
export function draftOfVideo(video: MadeVideo): Draft {
  return {
    prompt: video.prompt,
    negativePrompt: video.negativePrompt,
    seed: video.seed,
    steps: String(video.steps),
    guidance: String(video.guidance),
    cache: choiceOf(video.cache),
  };
}

/** The same video with another cache, for a comparison. */
export function againWith(video: MadeVideo, cache: CacheRequest): VideoRequest {
  return {
    prompt: video.prompt,
    seed: video.seed,
    num_inference_steps: video.steps,
    guidance_scale: video.guidance,
    ...(video.negativePrompt !== "" && { negative_prompt: video.negativePrompt }),
    cache,
  };
}

/** Whether two videos differ in nothing but their cache: only then what lies between them is the cache's doing. */
export function sameButCache(a: MadeVideo, b: MadeVideo): boolean {
  const of = ({ prompt, negativePrompt, seed, steps, guidance, width, height, frames }: MadeVideo) =>
    JSON.stringify([prompt, negativePrompt, seed, steps, guidance, width, height, frames]);
  return of(a) === of(b);
}

/** Of two videos, the one to compare with: the uncached one, else the first. */
export function withReferenceFirst(a: MadeVideo, b: MadeVideo): readonly [MadeVideo, MadeVideo] {
  return b.cache.policy === "off" && a.cache.policy !== "off" ? [b, a] : [a, b];
}
