/** Sizes of a video, its latents and its tokens. */

import { invalid } from "../errors.ts";
import type { Manifest } from "./bundle/manifest.ts";
import type { DecoderManifest } from "./bundle/manifest-decoder.ts";

/** What a video of given size is inside the model. */
export interface VideoShape {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Latent frames, rows and columns. */
  readonly latent: readonly [frames: number, height: number, width: number];
  /** Token grid: frames, rows and columns. */
  readonly grid: readonly [frames: number, height: number, width: number];
  readonly tokens: number;
}

/** The largest value not above `wanted`, or else the smallest, that the range allows. */
function nearest(wanted: number, range: { min: number; max: number; multiple: number }, offset = 0): number {
  const fit = Math.floor((Math.min(wanted, range.max) - offset) / range.multiple) * range.multiple + offset;
  return Math.max(fit, range.min);
}

/**
 * Checks a video's size against the bundle and derives its latent and token sizes.
 * @throws MixcacheError `invalid_argument` that lists what the model can do.
 */
export function videoShape(manifest: Manifest, width: number, height: number, frames: number): VideoShape {
  const { video, latents } = manifest;
  const checks = [
    ["width", width, video.width, 0],
    ["height", height, video.height, 0],
    ["num_frames", frames, video.frames, video.frames.offset],
  ] as const;
  for (const [field, value, range, offset] of checks) {
    const fits =
      Number.isInteger(value) &&
      value >= range.min &&
      value <= range.max &&
      (value - offset) % range.multiple === 0;
    if (fits) continue;
    const allowed =
      range.min === range.max
        ? `only ${range.min}`
        : `${range.min} to ${range.max}` +
          (range.multiple > 1 ? ` in multiples of ${range.multiple}${offset ? ` plus ${offset}` : ""}` : "");
    const hint =
      range.min === range.max || !Number.isFinite(value)
        ? ""
        : ` The nearest is ${nearest(value, range, offset)}.`;
    invalid(field, `${field} is ${value}, but ${manifest.title} makes ${allowed}.${hint}`);
  }
  const [perFrame, perRow, perColumn] = latents.compression;
  const latentFrames = latents.first_frame_alone ? 1 + (frames - 1) / perFrame : frames / perFrame;
  const latent = [latentFrames, height / perRow, width / perColumn] as const;
  const grid = [
    latent[0] / latents.patch[0],
    latent[1] / latents.patch[1],
    latent[2] / latents.patch[2],
  ] as const;
  if (![...latent, ...grid].every(Number.isInteger)) {
    invalid(
      "size",
      `A video of ${width}x${height} with ${frames} frames does not divide into the latents and patches of ` +
        `${manifest.title}. Use ${video.default.width}x${video.default.height} with ${video.default.frames} frames.`,
    );
  }
  const calls = latentFramesPerCall(manifest.decoder);
  if (calls && (latentFrames < calls.first || (latentFrames - calls.first) % calls.next !== 0)) {
    const each = calls.first === calls.next ? `${calls.next}` : `${calls.first}, then ${calls.next}`;
    invalid(
      "num_frames",
      `${frames} frames are ${latentFrames} latent frames, but the decoder of ${manifest.title} takes ` +
        `${each} at a time. Use ${video.default.frames} frames.`,
    );
  }
  const tokens = grid[0] * grid[1] * grid[2];
  if (video.max_tokens !== undefined && tokens > video.max_tokens) {
    invalid(
      "size",
      `A video of ${width}x${height} with ${frames} frames has ${tokens} tokens; ${manifest.title} takes at most ` +
        `${video.max_tokens}. Make it smaller or shorter.`,
    );
  }
  return { width, height, frames, latent, grid, tokens };
}

/** How many latent frames the decoder's first call takes, and each further one; nothing where one call takes all. */
export function latentFramesPerCall({ first, next, latent_frames }: DecoderManifest) {
  return next && { first: first.latent_frames ?? latent_frames, next: next.latent_frames ?? latent_frames };
}

/** The dims of the latents tensor, batch first, in the bundle's layout. */
export function latentDims(manifest: Manifest, shape: VideoShape): number[] {
  const [frames, height, width] = shape.latent;
  const { channels, layout } = manifest.latents;
  return layout === "channels_first"
    ? [1, channels, frames, height, width]
    : [1, frames, channels, height, width];
}
