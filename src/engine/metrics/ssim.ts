/** Structural similarity. */

import type { RgbFrames } from "../frames.ts";
import { type Mix, meanOver, type Plane, planeOf } from "./planes.ts";

const RADIUS = 5;
const SIGMA = 1.5;
// The paper's constants, for values in 0 .. 255; the same as 0.01² and 0.03² for values in 0 .. 1.
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

const CHANNELS: readonly Mix[] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

const WINDOW = gaussian();

/**
 * Mean over frames, over red, green and blue, and over the places where an 11×11 Gaussian window (σ 1.5) lies inside
 * the frame. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004. Needs
 * frames of at least 11×11.
 */
export function ssim(reference: RgbFrames, video: RgbFrames): number {
  return meanOver(reference.count, (t) =>
    meanOver(CHANNELS.length, (c) => {
      const channel = CHANNELS[c] ?? [0, 0, 0];
      return ssimOfPlanes(planeOf(reference, t, channel), planeOf(video, t, channel));
    }),
  );
}

function ssimOfPlanes(a: Plane, b: Plane): number {
  const energy = a.data.map((x, i) => x * x + (b.data[i] ?? 0) ** 2);
  const product = a.data.map((x, i) => x * (b.data[i] ?? 0));
  const [meanA, meanB] = [blur(a), blur(b)];
  const [meanEnergy, meanProduct] = [blur({ ...a, data: energy }), blur({ ...a, data: product })];
  return meanOver(meanA.length, (i) => {
    const [ma, mb] = [meanA[i] ?? 0, meanB[i] ?? 0];
    const variances = (meanEnergy[i] ?? 0) - ma * ma - mb * mb;
    const covariance = (meanProduct[i] ?? 0) - ma * mb;
    return ((2 * ma * mb + C1) * (2 * covariance + C2)) / ((ma * ma + mb * mb + C1) * (variances + C2));
  });
}

/** The windowed means at every place where the window fits: rows first, then columns. */
function blur({ width, height, data }: Plane): Float64Array {
  const columns = width - 2 * RADIUS;
  const rows = height - 2 * RADIUS;
  const across = new Float64Array(columns * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < columns; x++, i++) across[i] = windowed(data, y * width + x, 1);
  }
  const out = new Float64Array(columns * rows);
  for (let i = 0; i < out.length; i++) out[i] = windowed(across, i, columns);
  return out;
}

function windowed(data: Float64Array, from: number, stride: number): number {
  let sum = 0;
  for (let k = 0, at = from; k < WINDOW.length; k++, at += stride) sum += (WINDOW[k] ?? 0) * (data[at] ?? 0);
  return sum;
}

function gaussian(): Float64Array {
  const window = Float64Array.from({ length: 2 * RADIUS + 1 }, (_, k) =>
    Math.exp(-((k - RADIUS) ** 2) / (2 * SIGMA ** 2)),
  );
  const sum = window.reduce((total, weight) => total + weight);
  return window.map((weight) => weight / sum);
}
