/** Text to frames: the engine's front door. */

import { MixcacheError } from "../errors.ts";
import { flopsOf } from "./bundle/flops.ts";
import type { Bundle } from "./bundle/read.ts";
import type { Branch, CachePolicy } from "./cache/contract.ts";
import { off } from "./cache/off.ts";
import { decode } from "./decode.ts";
import { branchesOf, denoise } from "./denoise.ts";
import type { RgbFrames } from "./frames.ts";
import type { RunHooks } from "./progress.ts";
import { randn } from "./random.ts";
import type { SegmentBackend, State, Work } from "./segments/contract.ts";
import { type GenerateRequest, resolveSettings, type Settings } from "./settings.ts";
import { latentDims } from "./shape.ts";
import { encodeText, loadTokenizer, type Tokenizer } from "./text.ts";
import type { GraphTrace, RunTrace } from "./trace.ts";

export interface GenerateResult {
  readonly frames: RgbFrames;
  readonly trace: RunTrace;
  readonly settings: Settings;
  /** Things a person should know: words that the model doesn't know, words that were cut. */
  readonly notices: readonly string[];
}

/** A loaded bundle on a backend. One generation at a time. */
export class Pipeline {
  readonly bundle: Bundle;
  readonly #backend: SegmentBackend;
  readonly #tokenizers: readonly Tokenizer[];
  #busy = false;

  private constructor(bundle: Bundle, backend: SegmentBackend, tokenizers: readonly Tokenizer[]) {
    this.bundle = bundle;
    this.#backend = backend;
    this.#tokenizers = tokenizers;
  }

  /** Reads tokenizers and loads every graph of an uncached run, so that the first video starts at once. */
  static async load(bundle: Bundle, backend: SegmentBackend): Promise<Pipeline> {
    const { text_encoders, denoisers, decoder } = bundle.manifest;
    const tokenizers = await Promise.all(text_encoders.map((encoder) => loadTokenizer(bundle, encoder)));
    const graphs = [...text_encoders.map(({ graph }) => graph), decoder.first.graph];
    if (decoder.next) graphs.push(decoder.next.graph);
    await backend.load([
      ...graphs.map((graph): Work => ({ kind: "graph", graph, inputs: {}, outputs: {} })),
      ...denoisers.map(
        ({ id, segments }): Work => ({ kind: "segments", denoiser: id, from: 0, to: segments.length }),
      ),
    ]);
    return new Pipeline(bundle, backend, tokenizers);
  }

  /**
   * Makes a video.
   * @throws MixcacheError `invalid_argument`, `engine_busy`, `aborted`, or what the backend says.
   */
  async generate(
    request: GenerateRequest,
    hooks: RunHooks = {},
    policy: CachePolicy = off,
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
      return await this.#run(settings, hooks, policy);
    } finally {
      this.#busy = false;
    }
  }

  async #run(settings: Settings, hooks: RunHooks, policy: CachePolicy): Promise<GenerateResult> {
    const { manifest } = this.bundle;
    const started = performance.now();
    hooks.onProgress?.({ phase: "text" });
    const text = await this.#encode(settings, hooks);
    const encoded = performance.now();
    try {
      const noise = randn(settings.seed, latentDims(manifest, settings.shape));
      const { latents, steps } = await denoise(
        this.bundle,
        this.#backend,
        policy,
        settings,
        text.conditioning,
        noise,
        hooks,
      );
      const denoised = performance.now();
      const decoded = await decode(this.bundle, this.#backend, settings.shape, latents, hooks);
      const finished = performance.now();
      const trace: RunTrace = {
        policy: policy.name,
        steps,
        text: text.graphs,
        decode: decoded.graphs,
        textMs: encoded - started,
        denoiseMs: denoised - encoded,
        decodeMs: finished - denoised,
        totalMs: finished - started,
        denoiseFlops: steps.reduce((sum, step) => sum + step.flops, 0),
        fullDenoiseFlops: steps.reduce((sum, step) => sum + step.fullFlops, 0),
      };
      return { frames: decoded.frames, trace, settings, notices: text.notices };
    } finally {
      for (const state of Object.values(text.conditioning)) this.#backend.release(state);
    }
  }

  /** Runs every text encoder, and the denoisers' prompt graphs, for each branch. */
  async #encode(settings: Settings, hooks: RunHooks) {
    const { text_encoders, denoisers } = this.bundle.manifest;
    const first = denoisers[0];
    const branches = first ? branchesOf(first, settings.guidanceScale) : [];
    const conditioning: Partial<Record<Branch, State>> = {};
    const graphs: GraphTrace[] = [];
    const notices: string[] = [];
    for (const branch of branches) {
      const prompt = branch === "cond" ? settings.prompt : settings.negativePrompt;
      let state: State = {};
      for (const [i, encoder] of text_encoders.entries()) {
        const tokens = this.#tokenizers[i]?.(prompt);
        if (!tokens) continue;
        notices.push(...noticesOf(tokens.unknownWords, tokens.droppedWords, branch));
        const flops = flopsOf(encoder.flops, { tokens: 0, text: tokens.ids.length });
        const values = await encodeText(this.#backend, encoder, tokens, {
          ...(hooks.signal && { signal: hooks.signal }),
          onGraph: (id, durationMs) => graphs.push({ id, durationMs, flops }),
        });
        state = { ...state, ...values };
      }
      conditioning[branch] = state;
    }
    return { conditioning, graphs, notices };
  }
}

function noticesOf(unknown: readonly string[], dropped: readonly string[], branch: Branch): string[] {
  const which = branch === "cond" ? "prompt" : "negative prompt";
  const quoted = (words: readonly string[]) => words.map((word) => `“${word}”`).join(", ");
  const notices: string[] = [];
  if (unknown.length)
    notices.push(`The model doesn't know ${quoted(unknown)}; the ${which} was used without.`);
  if (dropped.length)
    notices.push(
      `The ${which} is longer than the model reads; from ${quoted(dropped.slice(0, 1))} on it was cut.`,
    );
  return notices;
}
