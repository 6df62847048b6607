/** What a worker does so that the next cold one starts warm; all of it may be left out, and none of it can fail. */

import type { Manifest } from "../engine/bundle/manifest.ts";
import { type ProfileKey, profileKey } from "../engine/cache/profile.ts";
import { type GenerateRequest, resolveSettings, type UsedSettings } from "../engine/settings.ts";
import {
  type EngineInfo,
  type EngineResult,
  type FetchedProfiles,
  type NegativeEmbeddings,
  type ObservedProfiles,
  observationsOf,
} from "../node/index.ts";

/** A video that is about to be made. */
export interface ComingVideo {
  readonly info: EngineInfo;
  readonly request: GenerateRequest;
  readonly account: string;
}

/** What happens around each video. */
export interface Warmth {
  /** Before a video: fetches its settings' profile where the store has one. Never rejects. */
  prepare(video: ComingVideo, signal: AbortSignal): Promise<void>;
  /** After a video: takes note of what it showed. */
  completed(info: EngineInfo, result: EngineResult): void;
  /** Writes what is noted. Never rejects. */
  flush(): Promise<void>;
}

export interface WarmthParts {
  readonly profiles: FetchedProfiles;
  /** Absent where nothing is written back. */
  readonly observed?: ObservedProfiles;
  /** Absent where embeddings are not kept. */
  readonly embeddings?: NegativeEmbeddings;
}

/** The parts as a worker uses them. */
export function warmth({ profiles, observed, embeddings }: WarmthParts): Warmth {
  return {
    prepare: async ({ info, request, account }, signal) => {
      embeddings?.begin(account, isDefault(info.manifest, request));
      const key = keyOf(info, request);
      // A caller who cancels does not wait for a slow store.
      if (key) await Promise.race([profiles.fetch(key), aborted(signal)]);
    },
    completed: ({ digest }, { trace, settings }) => {
      const observations = observed && observationsOf(keyOfUsed(digest, settings), trace);
      if (observations) observed.add(observations);
    },
    flush: async () => {
      await Promise.all([observed?.flush(), embeddings?.flush()]);
    },
  };
}

function keyOfUsed(bundle: string, used: UsedSettings): ProfileKey {
  const { scheduler, num_inference_steps: steps, width, height, num_frames: frames } = used;
  return { bundle, scheduler, steps, width, height, frames, guidance_scales: { ...used.guidance_scales } };
}

/** Undefined for a request that the engine will refuse, in its own words, or that reuses nothing. */
function keyOf({ manifest, digest }: EngineInfo, request: GenerateRequest): ProfileKey | undefined {
  try {
    const settings = resolveSettings(manifest, request);
    return settings.cache.policy === "off" ? undefined : profileKey(digest, settings);
  } catch {
    return undefined;
  }
}

function isDefault(manifest: Manifest, { negative_prompt }: GenerateRequest): boolean {
  return negative_prompt === undefined || negative_prompt === manifest.default_negative_prompt;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
