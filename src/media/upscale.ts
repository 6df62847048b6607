/** Enlarging frames, so that a 64x64 video is watchable. */

import type { RgbFrames } from "../engine/frames.ts";
import { invalid } from "../errors.ts";
import { frameAt, frameByteLength, validateFrames } from "./frames.ts";
import { resizeNearest, watchableFactor } from "./nearest.ts";

/** `nearest` keeps hard pixel edges and is exact; `lanczos` (three lobes) is smooth. */
export type ResizeMethod = "nearest" | "lanczos";

/**
 * How large to make the frames: `factor`, or `width` and/or `height` in pixels (a missing side follows
 * the aspect ratio). With none of the three, the smallest whole factor that makes the longer side at
 * least 512 pixels.
 */
export interface Upscale {
  /** Default: `nearest`. */
  readonly method?: ResizeMethod;
  /** A whole number of at least 1; excludes `width` and `height`. */
  readonly factor?: number;
  /** Pixels, at least the source's width. */
  readonly width?: number;
  /** Pixels, at least the source's height. */
  readonly height?: number;
}

/** No side may get longer than this, in pixels: the largest that H.264 decoders commonly take. */
export const MAX_SIDE = 8192;

/**
 * RgbFrames of the asked size; the same object when the size does not change.
 * @throws MixcacheError `invalid_argument`, field "upscale" or "frames".
 */
export async function upscale(frames: RgbFrames, options: Upscale = {}): Promise<RgbFrames> {
  validateFrames(frames);
  const method = options.method ?? "nearest";
  if (method !== "nearest" && method !== "lanczos") {
    invalid("upscale", `The upscaling method must be nearest or lanczos, not ${String(method)}.`);
  }
  const { width, height } = targetSize(frames, options);
  if (width < frames.width || height < frames.height) {
    invalid(
      "upscale",
      `Upscaling cannot make ${frames.width}x${frames.height} frames smaller (${width}x${height} was asked).`,
    );
  }
  if (width > MAX_SIDE || height > MAX_SIDE) {
    invalid(
      "upscale",
      `Upscaling to ${width}x${height} is more than ${MAX_SIDE} pixels on a side; ask for a smaller factor or size.`,
    );
  }
  return resize(frames, width, height, method);
}

/**
 * RgbFrames of exactly `width` x `height` pixels, larger or smaller. `lanczos` loads sharp when it is first used.
 */
export async function resize(
  frames: RgbFrames,
  width: number,
  height: number,
  method: ResizeMethod,
): Promise<RgbFrames> {
  if (width === frames.width && height === frames.height) return frames;
  return method === "nearest"
    ? resizeNearest(frames, width, height)
    : await resizeLanczos(frames, width, height);
}

function targetSize(
  frames: RgbFrames,
  { factor, width, height }: Upscale,
): { width: number; height: number } {
  for (const [name, value] of Object.entries({ factor, width, height })) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1)) {
      invalid("upscale", `The upscaling ${name} must be a whole number of at least 1, not ${value}.`);
    }
  }
  if (width !== undefined || height !== undefined) {
    if (factor !== undefined) {
      invalid("upscale", "Give an upscaling factor or a size (width, height), not both.");
    }
    const scale = width !== undefined ? width / frames.width : (height ?? 1) / frames.height;
    return {
      width: width ?? Math.max(1, Math.round(frames.width * scale)),
      height: height ?? Math.max(1, Math.round(frames.height * scale)),
    };
  }
  const times = factor ?? watchableFactor(frames);
  return { width: frames.width * times, height: frames.height * times };
}

async function resizeLanczos(frames: RgbFrames, width: number, height: number): Promise<RgbFrames> {
  const { default: sharp } = await import("sharp");
  const out: RgbFrames = {
    width,
    height,
    count: frames.count,
    data: new Uint8Array(frames.count * width * height * 3),
  };
  for (let index = 0; index < frames.count; index++) {
    // One frame at a time: filtering a stack of frames would mix the edges of neighbours.
    const pixels = await sharp(frameAt(frames, index), {
      raw: { width: frames.width, height: frames.height, channels: 3 },
    })
      .resize(width, height, { kernel: "lanczos3", fit: "fill" })
      .raw()
      .toBuffer();
    out.data.set(pixels, index * frameByteLength(out));
  }
  return out;
}
