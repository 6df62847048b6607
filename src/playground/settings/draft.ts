/** The form of a video: what stands in its fields, and the request that it makes. */

import type { CacheRequest } from "../../engine/cache/request.ts";
import { type CacheChoice, cacheOf, FIRST_CHOICE } from "./cache-choice.ts";

/** Fields as they were typed. */
export interface Draft {
  readonly prompt: string;
  /** Empty: the model's own. */
  readonly negativePrompt: string;
  /** Empty: one is drawn. */
  readonly seed: string;
  /** Empty: the model's own. */
  readonly steps: string;
  /** Empty: the model's own. */
  readonly guidance: string;
  readonly cache: CacheChoice;
}

export const EMPTY_DRAFT: Draft = {
  prompt: "",
  negativePrompt: "",
  seed: "",
  steps: "",
  guidance: "",
  cache: FIRST_CHOICE,
};

/** What the API and the engine in the page are asked for. The seed is always said, so that a video can be made again. */
export interface VideoRequest {
  readonly prompt: string;
  /** Digits: seeds go beyond what a number can hold. */
  readonly seed: string;
  readonly num_inference_steps?: number;
  readonly guidance_scale?: number;
  readonly negative_prompt?: string;
  readonly cache: CacheRequest;
}

/** Fields of the form, by the names that the API's errors have for them. */
export const FIELDS = [
  "prompt",
  "negative_prompt",
  "seed",
  "num_inference_steps",
  "guidance_scale",
  "cache",
] as const;
export type Field = (typeof FIELDS)[number];

/** What is wrong, by field; under `form` what belongs to none. */
export type Problems = { readonly [F in Field | "form"]?: string };

export type Checked = { readonly request: VideoRequest } | { readonly problems: Problems };

/**
 * The request, or what is wrong with the fields. What only the model knows, such as the most steps, is asked of it.
 * @param drawSeed digits of a new seed
 */
export function checkDraft(draft: Draft, drawSeed: () => string): Checked {
  const problems: Problems = {
    ...(draft.prompt.trim() === "" && { prompt: "The prompt is empty. Say what the video should show." }),
    ...(!isSeed(draft.seed) && {
      seed: "The seed must be a whole number from 0 to 2^64 − 1. Leave it empty to have one drawn.",
    }),
    ...(!isBlankOr(draft.steps, (steps) => Number.isInteger(steps) && steps >= 1) && {
      num_inference_steps: "Steps must be a whole number of at least 1. Leave it empty for the model's own.",
    }),
    ...(!isBlankOr(draft.guidance, (scale) => scale >= 0) && {
      guidance_scale: "Guidance must be a number of at least 0. Leave it empty for the model's own.",
    }),
  };
  if (Object.keys(problems).length > 0) return { problems };
  const { steps, guidance, negativePrompt, seed } = draft;
  return {
    request: {
      prompt: draft.prompt.trim(),
      seed: seed.trim() === "" ? drawSeed() : BigInt(seed.trim()).toString(),
      cache: cacheOf(draft.cache),
      ...(steps.trim() !== "" && { num_inference_steps: Number(steps) }),
      ...(guidance.trim() !== "" && { guidance_scale: Number(guidance) }),
      ...(negativePrompt.trim() !== "" && { negative_prompt: negativePrompt.trim() }),
    },
  };
}

function isSeed(text: string): boolean {
  const digits = text.trim();
  return digits === "" || (/^\d{1,20}$/.test(digits) && BigInt(digits) < 1n << 64n);
}

function isBlankOr(text: string, fits: (value: number) => boolean): boolean {
  return text.trim() === "" || (Number.isFinite(Number(text)) && fits(Number(text)));
}

/** Where an error is shown. @param field as an error names it, such as `cache.speed` */
export function problemsOf(message: string, field: string | undefined): Problems {
  const top = field?.split(".")[0];
  return { [FIELDS.find((name) => name === top) ?? "form"]: message };
}

/** A seed to show and to send: 32 random bits, which is short enough to be told to somebody. */
export function randomSeed(): string {
  return String(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0);
}
