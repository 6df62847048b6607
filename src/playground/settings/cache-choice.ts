/** What a person chooses about caching, and the request that says it. */

import type { CacheRequest } from "../../engine/cache/request.ts";
import { type Rival, rivalNamed } from "./rivals.ts";

/** MixCache's presets, slowest first. A test holds them against the engine's. */
export const PRESET_NAMES = ["visually-lossless", "high", "balanced", "fast", "turbo"] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** Where the speed's slider ends: as many times less work of the denoiser. */
export const SPEEDS = { min: 1.1, max: 4, step: 0.1 } as const;

/** What the form holds; what is not chosen is kept, so that going back to it finds it as it was. */
export interface CacheChoice {
  readonly kind: "off" | "preset" | "speed" | "rival";
  readonly preset: PresetName;
  readonly speed: number;
  /** A policy's name. */
  readonly rival: string;
  /** Of the rival's dial. */
  readonly dial: number;
  /** Whether MixCache's predictor stands in for what the rival reuses. */
  readonly assisted: boolean;
}

export const FIRST_CHOICE: CacheChoice = {
  kind: "preset",
  preset: "high",
  speed: 2,
  rival: "teacache",
  dial: rivalNamed("teacache").usual,
  assisted: false,
};

/** The choice of another rival, with that one's usual dial. */
export function withRival(choice: CacheChoice, name: string): CacheChoice {
  const { usual, assistable } = rivalNamed(name);
  return { ...choice, kind: "rival", rival: name, dial: usual, assisted: choice.assisted && assistable };
}

/** The request's `cache`. */
export function cacheOf({ kind, preset, speed, rival, dial, assisted }: CacheChoice): CacheRequest {
  switch (kind) {
    case "off":
      return { policy: "off" };
    case "preset":
      return { policy: "mixcache", preset };
    case "speed":
      return { policy: "mixcache", speed };
    case "rival": {
      const { option, assistable } = rivalNamed(rival);
      return {
        policy: rival,
        [option]: dial,
        ...(assisted && assistable && { predictor: "mixcache" }),
      };
    }
  }
}

/** The choice that a video was made with, as near as the form can say it. */
export function choiceOf({ policy, ...options }: CacheRequest): CacheChoice {
  if (policy === "off") return { ...FIRST_CHOICE, kind: "off" };
  if (policy === "mixcache") {
    const { preset, speed } = options;
    if (typeof speed === "number") return { ...FIRST_CHOICE, kind: "speed", speed };
    return { ...FIRST_CHOICE, preset: PRESET_NAMES.find((name) => name === preset) ?? "high" };
  }
  const chosen = withRival(FIRST_CHOICE, policy);
  const dial = options[rivalNamed(policy).option];
  return {
    ...chosen,
    ...(typeof dial === "number" && { dial }),
    assisted: options.predictor === "mixcache",
  };
}

/** A few words for lists: "MixCache, high", "TeaCache, threshold 0.1". */
export function cacheWords({ policy, ...options }: CacheRequest): string {
  if (policy === "off") return "Uncached";
  const { preset, speed, quality } = options;
  if (policy === "mixcache") {
    if (typeof speed === "number") return `MixCache, ${speed}×`;
    if (typeof quality === "number") return `MixCache, quality ${quality}`;
    return `MixCache, ${typeof preset === "string" ? preset.replace("-", " ") : "high"}`;
  }
  const { title, option }: Rival = rivalNamed(policy);
  const dial = options[option];
  return typeof dial === "number" ? `${title}, ${option.replaceAll("_", " ")} ${dial}` : title;
}
