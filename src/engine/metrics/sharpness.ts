/** The blur alarm: what neither PSNR nor VBench tells apart from an honest difference. */

import type { RgbFrames } from "../frames.ts";
import { LUMINANCE, meanOver, planeOf } from "./planes.ts";

/** A sharpness ratio below this means that caching blurred the video. */
export const SHARPNESS_RATIO_LOW = 0.85;
/** A sharpness ratio above this means that caching added noise or edges that were not there. */
export const SHARPNESS_RATIO_HIGH = 1.15;

/** True where a sharpness ratio says that the video is blurred or over-sharp against its reference. */
export function sharpnessAlarm(ratio: number): boolean {
  return !(ratio >= SHARPNESS_RATIO_LOW && ratio <= SHARPNESS_RATIO_HIGH);
}

/**
 * The video's variance of the Laplacian over the reference's: below 1 blurred, above 1 noisier or over-sharp. Two
 * flat videos are equally sharp (1); against a flat reference anything else is Infinity.
 */
export function sharpnessRatio(reference: RgbFrames, video: RgbFrames): number {
  const [a, b] = [sharpness(reference), sharpness(video)];
  return a === b ? 1 : b / a;
}

/** Variance of the 4-neighbour Laplacian of the luminance inside the frame, mean over frames (Pech-Pacheco 2000). */
function sharpness(frames: RgbFrames): number {
  return meanOver(frames.count, (t) => {
    const { width, height, data } = planeOf(frames, t, LUMINANCE);
    const columns = width - 2;
    const values = new Float64Array(columns * (height - 2));
    for (let i = 0; i < values.length; i++) {
      const at = (Math.floor(i / columns) + 1) * width + (i % columns) + 1;
      const across = (data[at - 1] ?? 0) + (data[at + 1] ?? 0);
      const down = (data[at - width] ?? 0) + (data[at + width] ?? 0);
      values[i] = across + down - 4 * (data[at] ?? 0);
    }
    const mean = meanOver(values.length, (i) => values[i] ?? 0);
    return meanOver(values.length, (i) => ((values[i] ?? 0) - mean) ** 2);
  });
}
