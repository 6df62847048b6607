/** Peak signal-to-noise ratios in decibels, of the frames and of their changes over time. */

import type { RgbFrames } from "../frames.ts";
import { meanOver } from "./planes.ts";

/** What equal videos get: the caching papers' harness counts an MSE below 1e-10 as none. */
export const PSNR_OF_EQUALS = 100;
const NO_ERROR = 1e-10;

/** Of a mean squared error of values in 0 .. 1. */
function decibels(mse: number): number {
  return mse < NO_ERROR ? PSNR_OF_EQUALS : -10 * Math.log10(mse);
}

/** Mean over the frames of each frame's PSNR (MSE over its pixels and channels). The papers' usual number. */
export function psnr(reference: RgbFrames, video: RgbFrames): number {
  const size = reference.width * reference.height * 3;
  return meanOver(reference.count, (t) =>
    decibels(squaredError(reference.data, video.data, t * size, (t + 1) * size) / size),
  );
}

/** PSNR of the MSE over the whole video, as in EasyCache's harness; never above the mean over frames. */
export function psnrVideo(reference: RgbFrames, video: RgbFrames): number {
  const size = reference.data.length;
  return decibels(squaredError(reference.data, video.data, 0, size) / size);
}

/**
 * PSNR of the frame differences x[t + 1] − x[t], which sees frozen or jerky motion. The differences lie in −1 .. 1;
 * the peak is 1 all the same, so the numbers compare with those of frames. The MSE is over all differences of the
 * video: a mean of PSNRs would let one pair without error hide another. Needs two frames.
 */
export function psnrTemporal(reference: RgbFrames, video: RgbFrames): number {
  const [a, b] = [reference.data, video.data];
  const frame = reference.width * reference.height * 3;
  let sum = 0;
  for (let i = frame; i < a.length; i++) {
    const error = (a[i] ?? 0) - (b[i] ?? 0) - ((a[i - frame] ?? 0) - (b[i - frame] ?? 0));
    sum += error * error;
  }
  return decibels(sum / 255 ** 2 / (a.length - frame));
}

/** Σ (a − b)² of bytes as values in 0 .. 1; the sum of integers is exact. */
function squaredError(a: Uint8Array, b: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const error = (a[i] ?? 0) - (b[i] ?? 0);
    sum += error * error;
  }
  return sum / 255 ** 2;
}
