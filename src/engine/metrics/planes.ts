/** One frame as planes of numbers: what the metrics of structure work on. */

import type { RgbFrames } from "../frames.ts";

/** One value per pixel, [height, width]. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Float64Array;
}

/** How much red, green and blue a plane holds. */
export type Mix = readonly [red: number, green: number, blue: number];

/** Luma of ITU-R BT.601, the Y of YIQ. */
export const LUMINANCE: Mix = [0.299, 0.587, 0.114];

/** One frame's weighted sum of red, green and blue, with the channels in 0 .. 255. */
export function planeOf({ width, height, data }: RgbFrames, frame: number, [r, g, b]: Mix): Plane {
  const out = new Float64Array(width * height);
  let from = frame * out.length * 3;
  for (let i = 0; i < out.length; i++, from += 3) {
    out[i] = r * (data[from] ?? 0) + g * (data[from + 1] ?? 0) + b * (data[from + 2] ?? 0);
  }
  return { width, height, data: out };
}

/** The value at a place, 0 outside: what the references' convolutions assume beyond the edge. */
export function valueAt({ width, height, data }: Plane, x: number, y: number): number {
  return x >= 0 && x < width && y >= 0 && y < height ? (data[y * width + x] ?? 0) : 0;
}

/**
 * Means over 2×2 pixels, taken at every pixel (`step` 1) or at every other one (`step` 2, which halves the size,
 * rounded up). Zeros stand beyond the right and lower edges, as in the reference code of HaarPSI and GMSD.
 */
export function mean2x2(plane: Plane, step: 1 | 2): Plane {
  const width = Math.ceil(plane.width / step);
  const height = Math.ceil(plane.height / step);
  const data = new Float64Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const [left, top] = [x * step, y * step];
      const upper = valueAt(plane, left, top) + valueAt(plane, left + 1, top);
      const lower = valueAt(plane, left, top + 1) + valueAt(plane, left + 1, top + 1);
      data[i] = (upper + lower) / 4;
    }
  }
  return { width, height, data };
}

/** The mean of what a function gives for 0 .. count − 1. */
export function meanOver(count: number, value: (index: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += value(i);
  return sum / count;
}

/** 1 where two values agree, less where they do not; `constant` keeps small values from counting. */
export function similarity(a: number, b: number, constant: number): number {
  return (2 * a * b + constant) / (a * a + b * b + constant);
}
