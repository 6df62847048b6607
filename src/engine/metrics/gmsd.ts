/** Deviation of the similarity of gradients. */

import type { RgbFrames } from "../frames.ts";
import { LUMINANCE, mean2x2, meanOver, type Plane, planeOf, similarity, valueAt } from "./planes.ts";

/** The authors' constant for values in 0 .. 255. */
const T = 170;

/**
 * Mean over frames of GMSD, 0 for equal frames, larger is worse: luminance at half size, magnitudes of its Prewitt
 * gradients, their similarity at every pixel, and of that map the standard deviation (over N, as in the paper).
 * Xue, Zhang, Mou & Bovik, "Gradient Magnitude Similarity Deviation", 2014.
 */
export function gmsd(reference: RgbFrames, video: RgbFrames): number {
  return meanOver(reference.count, (t) => {
    const a = gradients(mean2x2(planeOf(reference, t, LUMINANCE), 2));
    const b = gradients(mean2x2(planeOf(video, t, LUMINANCE), 2));
    const similar = a.map((value, i) => similarity(value, b[i] ?? 0, T));
    const mean = meanOver(similar.length, (i) => similar[i] ?? 0);
    return Math.sqrt(meanOver(similar.length, (i) => ((similar[i] ?? 0) - mean) ** 2));
  });
}

/** Magnitudes of the Prewitt gradients, zeros beyond the edges. */
function gradients(plane: Plane): Float64Array {
  const row = (x: number, y: number) =>
    valueAt(plane, x - 1, y) + valueAt(plane, x, y) + valueAt(plane, x + 1, y);
  const column = (x: number, y: number) =>
    valueAt(plane, x, y - 1) + valueAt(plane, x, y) + valueAt(plane, x, y + 1);
  const out = new Float64Array(plane.data.length);
  for (let y = 0, i = 0; y < plane.height; y++) {
    for (let x = 0; x < plane.width; x++, i++) {
      out[i] = Math.hypot(column(x + 1, y) - column(x - 1, y), row(x, y + 1) - row(x, y - 1)) / 3;
    }
  }
  return out;
}
