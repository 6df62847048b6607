/**
 * Pictures of a video that is not done: at some steps the clean latents that the model predicts are decoded, as little
 * of them as the decoder takes. The run goes on as it would without.
 */

import { messageOf } from "../errors.ts";
import type { Manifest } from "./bundle/manifest.ts";
import type { Bundle } from "./bundle/read.ts";
import { decodedBlocks } from "./decode.ts";
import type { DenoiseHooks } from "./denoise.ts";
import type { RgbFrames } from "./frames.ts";
import { type PlacedBlock, writePixels } from "./pixels.ts";
import type { RunHooks } from "./progress.ts";
import type { SegmentBackend } from "./segments/contract.ts";
import { latentFramesPerCall, type VideoShape } from "./shape.ts";

/** Previews of one video at most: each costs a call of the decoder, which nobody pays for. */
const MOST_PREVIEWS = 20;

interface PreviewParts {
  readonly bundle: Bundle;
  readonly backend: SegmentBackend;
  readonly shape: VideoShape;
  readonly steps: number;
  readonly hooks: RunHooks;
}

/** The previews of one run. */
export class Previews implements NonNullable<DenoiseHooks["preview"]> {
  readonly #parts: PreviewParts;
  readonly #every: number;
  #spentMs = 0;
  #notice: string | undefined;

  /** @param every steps between two, at least 1 */
  constructor(every: number, parts: PreviewParts) {
    this.#parts = parts;
    this.#every = Math.max(every, Math.ceil(parts.steps / MOST_PREVIEWS));
  }

  /** What they took so far. */
  get spentMs(): number {
    return this.#spentMs;
  }

  /** Why there were no more of them, where one failed. */
  get notices(): readonly string[] {
    return this.#notice === undefined ? [] : [this.#notice];
  }

  /** After the last step the video itself is decoded. */
  wants(step: number): boolean {
    return this.#notice === undefined && (step + 1) % this.#every === 0 && step + 1 < this.#parts.steps;
  }

  /** @throws MixcacheError `aborted`; any other failure costs the previews that would follow, not the video */
  async show(step: number, clean: Float32Array): Promise<void> {
    const { hooks } = this.#parts;
    const started = performance.now();
    try {
      const frame = await this.#frame(clean);
      const durationMs = performance.now() - started;
      hooks.onProgress?.({ phase: "preview", step, frame, durationMs });
    } catch (error) {
      if (hooks.signal?.aborted) throw error;
      this.#notice = `There are no previews after step ${step + 1}: ${messageOf(error)}`;
    } finally {
      this.#spentMs += performance.now() - started;
    }
  }

  /** The middle one of the frames that the beginning of the video gives. */
  async #frame(clean: Float32Array): Promise<RgbFrames> {
    const { bundle, backend, shape, hooks } = this.#parts;
    const { manifest } = bundle;
    const { width, height } = shape;
    const blocks: PlacedBlock[] = [];
    const signal = hooks.signal && { signal: hooks.signal };
    const job = { bundle, backend, shape, latents: clean, hooks: { ...signal } };
    for await (const block of decodedBlocks({ ...job, beginning: beginningOf(manifest, shape) }))
      blocks.push(block);
    const count = blocks[0]?.block.dims[1] ?? 0;
    const size = width * height * 3;
    const data = new Uint8Array(count * size);
    for (const block of blocks) writePixels(data, shape, block, manifest.decoder.pixel_range);
    const at = Math.floor(count / 2) * size;
    return { width, height, count: 1, data: data.slice(at, at + size) };
  }
}

/**
 * The fewest latent frames that a bundle's decoder takes: those of its first call where it goes call by call, else those
 * of the shortest video that the model makes, which is the whole one where all are equally long.
 */
export function beginningOf(
  { decoder, latents, video }: Pick<Manifest, "decoder" | "latents" | "video">,
  { latent: [all] }: Pick<VideoShape, "latent">,
): number {
  const [perFrame] = latents.compression;
  const { min } = video.frames;
  const shortest = latents.first_frame_alone ? 1 + (min - 1) / perFrame : min / perFrame;
  return Math.min(all, latentFramesPerCall(decoder)?.first ?? Math.ceil(shortest));
}
