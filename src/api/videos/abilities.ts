/** What a model can do, in words and in numbers: for refusals that say what to ask for instead, and for /v1/models. */

import type { Manifest } from "../../engine/bundle/manifest.ts";

type Range = { readonly min: number; readonly max: number; readonly multiple: number };

/** "only 64x64", or "480x480 to 1280x1280 with both in multiples of 16 (default 832x480)". */
export function sizesOf({ video: { width, height, default: usual } }: Manifest): string {
  if (width.min === width.max && height.min === height.max) return `only ${usual.width}x${usual.height}`;
  const steps =
    width.multiple === height.multiple
      ? `both in multiples of ${width.multiple}`
      : `widths in multiples of ${width.multiple} and heights of ${height.multiple}`;
  return `${width.min}x${height.min} to ${width.max}x${height.max}, ${steps} (default ${usual.width}x${usual.height})`;
}

/** "only 2 (16 frames at 8 fps)", or "0.313 to 5.063 (5 to 81 frames, in steps of 4, at 16 fps)". */
export function lengthsOf({ video: { frames } }: Manifest, fps: number): string {
  const seconds = (count: number) => Math.round((count / fps) * 1000) / 1000;
  if (frames.min === frames.max) return `only ${seconds(frames.min)} (${frames.min} frames at ${fps} fps)`;
  const steps = frames.multiple > 1 ? `, in steps of ${frames.multiple}` : "";
  return `${seconds(frames.min)} to ${seconds(frames.max)} (${frames.min} to ${frames.max} frames${steps}, at ${fps} fps)`;
}

/**
 * The number of frames that a model makes for a length in seconds: the nearest it can, where that is within half a
 * step of it. 5 s at 16 fps are 80 frames; a model that makes 4 n + 1 makes 81.
 * @returns undefined where the model makes nothing of that length
 */
export function framesFor({ video: { frames } }: Manifest, seconds: number, fps: number): number | undefined {
  const wanted = seconds * fps;
  const nearest = nearestIn(wanted, frames, frames.offset);
  // Half a frame's room where every number of frames is possible: seconds are decimal.
  return Math.abs(nearest - wanted) <= Math.max(frames.multiple / 2, 0.5) ? nearest : undefined;
}

function nearestIn(wanted: number, { min, max, multiple }: Range, offset: number): number {
  const first = Math.ceil((min - offset) / multiple) * multiple + offset;
  const last = Math.floor((max - offset) / multiple) * multiple + offset;
  const fit = Math.round((wanted - offset) / multiple) * multiple + offset;
  return Math.min(Math.max(fit, first), last);
}
