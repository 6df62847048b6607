/** Perceptual similarity from Haar wavelets. */

import type { RgbFrames } from "../frames.ts";
import { LUMINANCE, type Mix, mean2x2, meanOver, type Plane, planeOf, similarity } from "./planes.ts";

// The authors' constants, which they fitted to people's ratings of images in 0 .. 255.
const C = 30;
const ALPHA = 4.2;
/** Of YIQ, as the authors round them. */
const I: Mix = [0.596, -0.274, -0.322];
const Q: Mix = [0.211, -0.523, 0.312];

/**
 * Mean over frames of HaarPSI for colour images, 0 .. 1: on YIQ at half size, horizontal and vertical Haar wavelets
 * of 2 and 4 pixels compare details of Y, those of 8 pixels say which places matter, and 2×2 means compare I and Q.
 * Reisenhofer, Bosse, Kutyniok & Wiegand, "A Haar Wavelet-Based Perceptual Similarity Index for Image Quality
 * Assessment", 2018. Needs frames of at least 16×16.
 */
export function haarpsi(reference: RgbFrames, video: RgbFrames): number {
  return meanOver(reference.count, (t) => compare(featuresOf(reference, t), featuresOf(video, t)));
}

/** Magnitudes per pixel at half size. */
interface Features {
  /** Wavelets by orientation, then by scale: 2, 4 and 8 pixels. */
  readonly wavelets: readonly [readonly Float64Array[], readonly Float64Array[]];
  /** I and Q. */
  readonly chroma: readonly Float64Array[];
}

function featuresOf(frames: RgbFrames, t: number): Features {
  const half = (mix: Mix) => mean2x2(planeOf(frames, t, mix), 2);
  const luminance = half(LUMINANCE);
  const sums = summedArea(luminance);
  const scales = (direction: Direction) =>
    [2, 4, 8].map((size) => haarMagnitude(sums, luminance, size, direction));
  return {
    wavelets: [scales("down"), scales("across")],
    chroma: [I, Q].map((mix) => mean2x2(half(mix), 1).data.map(Math.abs)),
  };
}

function compare(a: Features, b: Features): number {
  let weighted = 0;
  let weights = 0;
  const add = (similar: number, weight: number) => {
    weighted += weight / (1 + Math.exp(-ALPHA * similar));
    weights += weight;
  };
  const pixels = a.chroma[0]?.length ?? 0;
  for (let i = 0; i < pixels; i++) {
    const down = weightAt(a.wavelets[0], b.wavelets[0], i);
    const across = weightAt(a.wavelets[1], b.wavelets[1], i);
    add(similarAt(a.wavelets[0], b.wavelets[0], i), down);
    add(similarAt(a.wavelets[1], b.wavelets[1], i), across);
    add(similarAt(a.chroma, b.chroma, i), (down + across) / 2);
  }
  // No weight at all: both frames are black, for even a flat frame has its edge.
  if (weights === 0) return 1;
  const score = weighted / weights;
  return (Math.log(score / (1 - score)) / ALPHA) ** 2;
}

/** Mean similarity of the first two maps: the two finer scales, or I and Q. */
function similarAt(a: readonly Float64Array[], b: readonly Float64Array[], i: number): number {
  return (similarity(a[0]?.[i] ?? 0, b[0]?.[i] ?? 0, C) + similarity(a[1]?.[i] ?? 0, b[1]?.[i] ?? 0, C)) / 2;
}

/** The coarsest wavelet's magnitude where it is larger. */
function weightAt(a: readonly Float64Array[], b: readonly Float64Array[], i: number): number {
  return Math.max(a[2]?.[i] ?? 0, b[2]?.[i] ?? 0);
}

type Direction = "down" | "across";

/** |one half of a size×size window − the other half| / size at every pixel, zeros beyond the edges. */
function haarMagnitude(
  sums: Float64Array,
  { width, height }: Plane,
  size: number,
  direction: Direction,
): Float64Array {
  const half = size / 2;
  const stride = width + 1;
  const inside = (at: number, length: number) => Math.min(Math.max(at, 0), length);
  const box = (x: number, y: number, w: number, h: number) => {
    const [left, right] = [inside(x, width), inside(x + w, width)];
    const [top, bottom] = [inside(y, height) * stride, inside(y + h, height) * stride];
    return (
      (sums[bottom + right] ?? 0) -
      (sums[bottom + left] ?? 0) -
      (sums[top + right] ?? 0) +
      (sums[top + left] ?? 0)
    );
  };
  const [w, h, dx, dy] = direction === "down" ? [size, half, 0, half] : [half, size, half, 0];
  const out = new Float64Array(width * height);
  for (let i = 0; i < out.length; i++) {
    // An even window has no middle: it reaches one pixel further right and down than left and up.
    const x = (i % width) - half + 1;
    const y = Math.floor(i / width) - half + 1;
    out[i] = Math.abs(box(x, y, w, h) - box(x + dx, y + dy, w, h)) / size;
  }
  return out;
}

/** Sums of everything above and to the left, [height + 1, width + 1]: any box's sum is four reads. */
function summedArea({ width, height, data }: Plane): Float64Array {
  const stride = width + 1;
  const sums = new Float64Array(stride * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      row += data[y * width + x] ?? 0;
      sums[(y + 1) * stride + x + 1] = (sums[y * stride + x + 1] ?? 0) + row;
    }
  }
  return sums;
}
