/** A video as a strip of small frames, side by side: what the page plays. */

import type { RgbFrames } from "../engine/frames.ts";
import { frameAt } from "../media/index.ts";

/** Strips of longer or larger videos take every n-th frame, and shrink. */
const MOST_FRAMES = 32;
const LONGEST_SIDE = 256;
const QUALITY = 90;

/** WebP, `stripLength(count)` frames from left to right. */
export async function sheetOf(frames: RgbFrames): Promise<Uint8Array> {
  const { width, height } = frames;
  const chosen = framesShown(frames.count);
  const strip = new Uint8Array(width * chosen.length * height * 3);
  for (const [column, index] of chosen.entries()) {
    const frame = frameAt(frames, index);
    for (let y = 0; y < height; y++)
      strip.set(frame.subarray(y * width * 3, (y + 1) * width * 3), (y * chosen.length + column) * width * 3);
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const size = { width: Math.round(width * scale) * chosen.length, height: Math.round(height * scale) };
  // Who serves reads the lab's presets, and may have no such library.
  const { default: sharp } = await import("sharp");
  return sharp(strip, { raw: { width: width * chosen.length, height, channels: 3 } })
    .resize({ ...size, fit: "fill" })
    .webp({ quality: QUALITY, smartSubsample: true })
    .toBuffer();
}

/** How many frames a video's strip has. */
export function stripLength(count: number): number {
  return framesShown(count).length;
}

function framesShown(count: number): number[] {
  const every = Math.ceil(count / MOST_FRAMES);
  return Array.from({ length: Math.ceil(count / every) }, (_, i) => i * every);
}
