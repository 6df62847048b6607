/** How near a video is to another, frame by frame. */

import type { RgbFrames } from "../../engine/frames.ts";
import { PSNR_OF_EQUALS, psnr } from "../../engine/metrics/psnr.ts";

export interface Nearness {
  /** PSNR of each frame in dB; 100 for equal ones. */
  readonly frames: readonly number[];
  /** Mean over the frames. */
  readonly mean: number;
}

/** undefined where the two can't be compared: of another size, or of another length. */
export function nearness(reference: RgbFrames, other: RgbFrames): Nearness | undefined {
  const { width, height, count } = reference;
  if (width !== other.width || height !== other.height || count !== other.count || count === 0)
    return undefined;
  const frames = Array.from({ length: count }, (_, at) => psnr(frameOf(reference, at), frameOf(other, at)));
  return { frames, mean: psnr(reference, other) };
}

/** One frame of a video. */
export function frameOf({ width, height, data }: RgbFrames, at: number): RgbFrames {
  const size = width * height * 3;
  return { width, height, count: 1, data: data.subarray(at * size, (at + 1) * size) };
}

/** "47.3 dB", or "identical". */
export function decibels(value: number): string {
  return value >= PSNR_OF_EQUALS ? "identical" : `${value.toFixed(1)} dB`;
}

/** How the difference is made visible: grey where equal, each channel's difference so many times larger around it. */
export const DIFFERENCE_GAIN = 8;

/** The difference of two frames as a picture. Both must be of one size. */
export function differenceOf(reference: RgbFrames, other: RgbFrames): RgbFrames {
  const data = new Uint8ClampedArray(reference.data.length);
  for (let i = 0; i < data.length; i++)
    data[i] = 128 + ((other.data[i] ?? 0) - (reference.data[i] ?? 0)) * DIFFERENCE_GAIN;
  const { width, height, count } = reference;
  return { width, height, count, data: new Uint8Array(data.buffer) };
}
