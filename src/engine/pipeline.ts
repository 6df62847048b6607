/** Text to frames: the engine's front door. */

import { MixcacheError } from "../errors.ts";
import type { Bundle } from "./bundle/read.ts";
import type { CachePolicy } from "./cache/contract.ts";
import { createPolicy } from "./cache/policies.ts";
import { type Profile, type ProfileKey, profileKey } from "./cache/profile.ts";
import { type Encoding, encodePrompts } from "./conditioning.ts";
import { decode } from "./decode.ts";
import { denoise } from "./denoise.ts";
import type { EmbeddingCache } from "./embeddings.ts";
import type { RgbFrames } from "./frames.ts";
import type { RunHooks } from "./progress.ts";
import { randn } from "./random.ts";
import { Residency } from "./residency.ts";
import type { SegmentBackend } from "./segments/contract.ts";
import { type GenerateRequest, resolveSettings, type Settings } from "./settings.ts";
import { latentDims } from "./shape.ts";
import { loadTokenizer } from "./text.ts";
import type { RunTrace } from "./trace.ts";

export interface GenerateResult {
  readonly frames: RgbFrames;
  readonly trace: RunTrace;
  readonly settings: Settings;
  /** Things a person should know: words that the model doesn't know, words that were cut. */
  readonly notices: readonly string[];
}

export interface PipelineOptions {
  /** Answers for prompts that were seen before; then text encoders are loaded only when they are needed. */
  readonly embeddings?: EmbeddingCache;
  /** Keeps one part of the model in memory at a time, at the price of loading each anew for every video. */
  readonly lowMemory?: boolean;
  /** Warm cache profiles, asked for once for every video; undefined where there is none for these settings. */
  readonly profiles?: (key: ProfileKey) => Promise<Profile | undefined>;
}

/** A loaded bundle on a backend. One generation at a time. */
export class Pipeline {
  readonly bundle: Bundle;
  readonly #encoding: Encoding;
  readonly #backend: SegmentBackend;
  readonly #residency: Residency;
  readonly #profiles: PipelineOptions["profiles"];
  #busy = false;

  private constructor(encoding: Encoding, residency: Residency, profiles: PipelineOptions["profiles"]) {
    this.bundle = encoding.bundle;
    this.#encoding = encoding;
    this.#backend = encoding.backend;
    this.#residency = residency;
    this.#profiles = profiles;
  }

  /** Reads tokenizers and loads what the first video needs, as far as the options allow, so that it starts at once. */
  static async load(
    bundle: Bundle,
    backend: SegmentBackend,
    { embeddings, lowMemory = false, profiles }: PipelineOptions = {},
  ): Promise<Pipeline> {
    const { manifest } = bundle;
    const tokenizers = await Promise.all(
      manifest.text_encoders.map((encoder) => loadTokenizer(bundle, encoder)),
    );
    const residency = new Residency(manifest, backend, { lowMemory, textOnDemand: embeddings !== undefined });
    await residency.prepare();
    return new Pipeline({ bundle, backend, tokenizers, cache: embeddings }, residency, profiles);
  }

  /**
   * Makes a video.
   * @param policy goes before the request's `cache`; for policies that have no name
   * @throws MixcacheError `invalid_argument`, `engine_busy`, `aborted`, or what the backend says.
   */
  async generate(
    request: GenerateRequest,
    hooks: RunHooks = {},
    policy?: CachePolicy,
  ): Promise<GenerateResult> {
    const settings = resolveSettings(this.bundle.manifest, request);
    if (this.#busy) {
      throw new MixcacheError(
        "engine_busy",
        "This engine is making another video. Wait until it is done, or start a second engine.",
      );
    }
    this.#busy = true;
    try {
      return await this.#run(settings, hooks, policy ?? (await this.#policyOf(settings)));
    } catch (error) {
      await this.#residency.clear();
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  async #policyOf(settings: Settings): Promise<CachePolicy> {
    const { manifest, digest } = this.bundle;
    const profile = await this.#profiles?.(profileKey(digest, settings));
    return createPolicy(settings.cache, { manifest, settings, profile });
  }

  async #run(settings: Settings, hooks: RunHooks, policy: CachePolicy): Promise<GenerateResult> {
    const { manifest } = this.bundle;
    const started = performance.now();
    hooks.onProgress?.({ phase: "text" });
    const text = await encodePrompts(this.#encoding, settings, hooks);
    try {
      await this.#residency.done("text");
      hooks.onProgress?.({ phase: "text", cached: text.cached > 0 && text.graphs.length === 0 });
      const encoded = performance.now();
      const noise = randn(settings.seed, latentDims(manifest, settings.shape));
      const { latents, steps, cacheBytesPeak } = await denoise(
        this.bundle,
        this.#backend,
        policy,
        settings,
        text.conditioning,
        noise,
        { ...hooks, onDenoiserDone: (denoiser) => this.#residency.done(denoiser) },
      );
      for (const denoiser of manifest.denoisers) await this.#residency.done(denoiser);
      const denoised = performance.now();
      const decoded = await decode(this.bundle, this.#backend, settings.shape, latents, hooks);
      await this.#residency.done("decoder");
      const finished = performance.now();
      const trace: RunTrace = {
        policy: policy.name,
        steps,
        text: text.graphs,
        textCached: text.cached,
        decode: decoded.graphs,
        textMs: encoded - started,
        denoiseMs: denoised - encoded,
        decodeMs: finished - denoised,
        totalMs: finished - started,
        denoiseFlops: steps.reduce((sum, step) => sum + step.flops, 0),
        fullDenoiseFlops: steps.reduce((sum, step) => sum + step.fullFlops, 0),
        cacheBytesPeak,
      };
      return {
        frames: decoded.frames,
        trace,
        settings,
        notices: [...text.notices, ...(policy.notices ?? [])],
      };
    } finally {
      for (const state of Object.values(text.conditioning)) this.#backend.release(state);
    }
  }
}
