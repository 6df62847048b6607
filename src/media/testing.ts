/** What the tests of this folder share; nothing else imports it. */

import type { RgbFrames } from "../engine/frames.ts";

/** Where the square of `movingSquare` is, in source pixels, and its colour. */
export const SQUARE = {
  side: 20,
  top: 20,
  leftOf: (index: number) => 4 + index * 2,
  rgb: [220, 40, 40],
} as const;

/** A red square that moves right over a gradient: its place tells which frame one looks at. */
export function movingSquare(count = 16, width = 64, height = 64): RgbFrames {
  const data = new Uint8Array(count * width * height * 3);
  let at = 0;
  for (let index = 0; index < count; index++) {
    const left = SQUARE.leftOf(index);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const isInside =
          x >= left && x < left + SQUARE.side && y >= SQUARE.top && y < SQUARE.top + SQUARE.side;
        data.set(isInside ? SQUARE.rgb : [20 + x * 2, 60 + y * 2, 160], at);
        at += 3;
      }
    }
  }
  return { width, height, count, data };
}

/** Mean and largest absolute difference of two equally long byte arrays. */
export function differenceOf(a: Uint8Array, b: Uint8Array): { mean: number; largest: number } {
  if (a.byteLength !== b.byteLength) throw new RangeError(`${a.byteLength} bytes against ${b.byteLength}.`);
  let sum = 0;
  let largest = 0;
  for (let at = 0; at < a.byteLength; at++) {
    const difference = Math.abs((a[at] ?? 0) - (b[at] ?? 0));
    sum += difference;
    largest = Math.max(largest, difference);
  }
  return { mean: sum / a.byteLength, largest };
}

/** What a promise rejects with; fails when it resolves. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It should have failed.");
}
