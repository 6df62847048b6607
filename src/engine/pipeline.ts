/** Text to frames: the engine's front door. */

import { MixcacheError } from "../errors.ts";
import type { Manifest } from "./bundle/manifest.ts";
import type { Bundle } from "./bundle/read.ts";
import type { CachePolicy } from "./cache/contract.ts";
import { createPolicy } from "./cache/policies.ts";
import { type FoundProfile, type ProfileKey, profileKey } from "./cache/profile.ts";
import { type Encoding, encodePrompts } from "./conditioning.ts";
import { decode } from "./decode.ts";
import { type DenoiseHooks, type DenoiseResult, denoise } from "./denoise.ts";
import type { EmbeddingCache } from "./embeddings.ts";
import type { RgbFrames } from "./frames.ts";
import type { Conditioning } from "./inputs.ts";
import { Previews } from "./previews.ts";
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
  /** Warm cache profiles, asked for once for every video. */
  readonly profiles?: (key: ProfileKey) => Promise<FoundProfile>;
}

/** One text from one noise, which can be denoised again and again. */
export interface Subject {
  readonly manifest: Manifest;
  readonly settings: Settings;
  readonly run: (
    policy: CachePolicy,
    hooks?: Pick<DenoiseHooks, "onProgress" | "onVelocity" | "given">,
  ) => Promise<DenoiseResult>;
}

/** A policy, the digest of the profile that it was given, and what people should know of that. */
interface Chosen {
  readonly policy: CachePolicy;
  readonly profile: string | null;
  readonly notices: readonly string[];
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
    return this.#alone(async () =>
      this.#run(
        settings,
        hooks,
        policy ? { policy, profile: null, notices: [] } : await this.#chosen(settings),
      ),
    );
  }

  /**
   * Denoises one text as often as `work` wants, each time with another policy and from the same noise. The text is
   * encoded once, and nothing is decoded. For calibration.
   * @throws MixcacheError like `generate`
   */
  async study<T>(
    request: GenerateRequest,
    work: (subject: Subject) => Promise<T>,
    { signal }: Pick<RunHooks, "signal"> = {},
  ): Promise<T> {
    const { manifest } = this.bundle;
    const settings = resolveSettings(manifest, request);
    const stop = signal && { signal };
    return this.#alone(async () => {
      const text = await encodePrompts(this.#encoding, settings, { ...stop });
      try {
        await this.#residency.done("text");
        const run: Subject["run"] = (policy, hooks) =>
          this.#denoise(settings, text.conditioning, policy, { ...hooks, ...stop });
        return await work({ manifest, settings, run });
      } finally {
        for (const denoiser of manifest.denoisers) await this.#residency.done(denoiser);
        for (const state of Object.values(text.conditioning)) this.#backend.release(state);
      }
    });
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy) {
      throw new MixcacheError(
        "engine_busy",
        "This engine is making another video. Wait until it is done, or start a second engine.",
      );
    }
    this.#busy = true;
    try {
      return await work();
    } catch (error) {
      await this.#residency.clear();
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  #denoise(
    settings: Settings,
    conditioning: Conditioning,
    policy: CachePolicy,
    hooks: Omit<DenoiseHooks, "onDenoiserDone">,
  ): Promise<DenoiseResult> {
    const noise = randn(settings.seed, latentDims(this.bundle.manifest, settings.shape));
    return denoise(this.bundle, this.#backend, policy, settings, conditioning, noise, {
      ...hooks,
      onDenoiserDone: (denoiser) => this.#residency.done(denoiser),
    });
  }

  /** The decoder beside a denoiser is what low memory is to avoid. */
  #previews({ shape, steps }: Settings, hooks: RunHooks): Previews | undefined {
    const { previewEvery = 0 } = hooks;
    if (previewEvery < 1 || this.#residency.lowMemory) return undefined;
    return new Previews(previewEvery, { bundle: this.bundle, backend: this.#backend, shape, steps, hooks });
  }

  async #chosen(settings: Settings): Promise<Chosen> {
    const { manifest, digest: bundle } = this.bundle;
    const found = (await this.#profiles?.(profileKey(bundle, settings))) ?? { notices: [] };
    const { profile, digest, notices } = found;
    try {
      const policy = createPolicy(settings.cache, { manifest, settings, profile });
      return { policy, profile: digest ?? null, notices };
    } catch (error) {
      // That there is no profile is best explained by why there is none.
      if (!(error instanceof MixcacheError) || error.code !== "profile_missing" || notices.length === 0)
        throw error;
      throw new MixcacheError(error.code, [error.message, ...notices].join(" "), { cause: error });
    }
  }

  async #run(
    settings: Settings,
    hooks: RunHooks,
    { policy, profile, notices }: Chosen,
  ): Promise<GenerateResult> {
    const { manifest } = this.bundle;
    const started = performance.now();
    const previews = this.#previews(settings, hooks);
    hooks.onProgress?.({ phase: "text" });
    const text = await encodePrompts(this.#encoding, settings, hooks);
    try {
      await this.#residency.done("text");
      hooks.onProgress?.({ phase: "text", cached: text.cached > 0 && text.graphs.length === 0 });
      const encoded = performance.now();
      const denoised = await this.#denoise(settings, text.conditioning, policy, {
        ...hooks,
        ...(previews && { preview: previews }),
      });
      const { latents, run, steps, cacheBytesPeak } = denoised;
      for (const denoiser of manifest.denoisers) await this.#residency.done(denoiser);
      const denoisedAt = performance.now();
      const previewMs = previews?.spentMs ?? 0;
      const decoded = await decode(this.bundle, this.#backend, settings.shape, latents, hooks);
      await this.#residency.done("decoder");
      const finished = performance.now();
      const trace: RunTrace = {
        policy: policy.name,
        profile,
        run,
        steps,
        text: text.graphs,
        textCached: text.cached,
        decode: decoded.graphs,
        textMs: encoded - started,
        denoiseMs: denoisedAt - encoded - previewMs,
        decodeMs: finished - denoisedAt,
        totalMs: finished - started - previewMs,
        denoiseFlops: steps.reduce((sum, step) => sum + step.flops, 0),
        fullDenoiseFlops: steps.reduce((sum, step) => sum + step.fullFlops, 0),
        cacheBytesPeak,
      };
      return {
        frames: decoded.frames,
        trace,
        settings,
        notices: [...text.notices, ...notices, ...(policy.notices ?? []), ...(previews?.notices ?? [])],
      };
    } finally {
      for (const state of Object.values(text.conditioning)) this.#backend.release(state);
    }
  }
}
