/** Latents → video, a few latent frames at a time, in the memory of one chunk and its state. */

import { MixcacheError } from "../errors.ts";
import type { Bundle } from "./bundle/read.ts";
import type { RgbFrames } from "./frames.ts";
import type { RunHooks } from "./progress.ts";
import type { SegmentBackend, State } from "./segments/contract.ts";
import { latentFramesPerCall, type VideoShape } from "./shape.ts";
import type { GraphTrace } from "./trace.ts";

/**
 * Decodes clean latents.
 * @param latents [1, channels, frames, height, width], or frames first where the bundle says so
 */
export async function decode(
  bundle: Bundle,
  backend: SegmentBackend,
  shape: VideoShape,
  latents: Float32Array,
  hooks: RunHooks,
): Promise<{ frames: RgbFrames; graphs: GraphTrace[] }> {
  const { decoder } = bundle.manifest;
  const { width, height, frames: count } = shape;
  const data = new Uint8Array(count * height * width * 3);
  const graphs: GraphTrace[] = [];
  const latentFrames = shape.latent[0];
  const perCall = latentFramesPerCall(decoder);
  let state: State = {};
  let done = 0;
  try {
    for (let from = 0; from < latentFrames; ) {
      const which = from === 0 ? "first" : "next";
      const call = decoder[which];
      const taken = perCall[which];
      const chunk = await backend.upload(latentChunk(bundle, shape, latents, from, taken));
      let produced: State;
      try {
        produced = await backend.run(
          { kind: "graph", ...call },
          { ...state, latents: chunk },
          {
            ...(hooks.signal && { signal: hooks.signal }),
            onGraph: (id, durationMs) => graphs.push({ id, durationMs, flops: call.flops }),
          },
        );
      } finally {
        backend.release({ latents: chunk });
      }
      backend.release(state);
      const { frames, ...next } = produced;
      state = next;
      if (!frames) throw new MixcacheError("bundle_invalid", "The decoder gave no frames.");
      const pixels = await backend.read(frames);
      backend.release({ frames });
      if (!(pixels.data instanceof Float32Array)) {
        throw new MixcacheError(
          "bundle_invalid",
          `The decoder's frames are ${pixels.dtype}; they must be float32.`,
        );
      }
      done += writePixels(data, done, pixels.data, pixels.dims, decoder.pixel_range);
      from += taken;
      hooks.onProgress?.({ phase: "decode", fraction: from / latentFrames });
    }
  } finally {
    backend.release(state);
  }
  if (done !== count)
    throw new MixcacheError("bundle_invalid", `The decoder gave ${done} frames instead of ${count}.`);
  return { frames: { width, height, count, data }, graphs };
}

/** Some latent frames, channels first, un-normalised with the bundle's statistics. */
function latentChunk(bundle: Bundle, shape: VideoShape, latents: Float32Array, from: number, frames: number) {
  const { channels, layout, mean, std } = bundle.manifest.latents;
  const [total, height, width] = shape.latent;
  const plane = height * width;
  const data = new Float32Array(channels * frames * plane);
  for (let c = 0; c < channels; c++) {
    for (let f = 0; f < frames; f++) {
      const source = (layout === "channels_first" ? c * total + from + f : (from + f) * channels + c) * plane;
      const target = (c * frames + f) * plane;
      for (let i = 0; i < plane; i++) {
        data[target + i] = Math.fround((latents[source + i] ?? 0) * (std[c] ?? 1)) + (mean[c] ?? 0);
      }
    }
  }
  return { dtype: "float32", dims: [1, channels, frames, height, width], data } as const;
}

/** Writes [1, 3, n, height, width] of floats as bytes, beginning at frame `first`; returns n. */
function writePixels(
  target: Uint8Array,
  first: number,
  pixels: Float32Array,
  dims: readonly number[],
  [black, white]: readonly [number, number],
): number {
  const [, , frames = 0, height = 0, width = 0] = dims;
  const plane = height * width;
  const scale = 255 / (white - black);
  for (let f = 0; f < frames; f++) {
    for (let c = 0; c < 3; c++) {
      const source = (c * frames + f) * plane;
      const start = (first + f) * plane * 3 + c;
      for (let i = 0; i < plane; i++) {
        const value = ((pixels[source + i] ?? black) - black) * scale;
        target[start + i * 3] = Math.round(Math.min(255, Math.max(0, value)));
      }
    }
  }
  return frames;
}
