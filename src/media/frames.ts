/** Checks and views of raw frames, the one shape that every file of this folder takes. */

import type { RgbFrames } from "../engine/frames.ts";
import { invalid } from "../errors.ts";

/** Bytes of one frame: `height * width * 3`. */
export function frameByteLength(frames: RgbFrames): number {
  return frames.width * frames.height * 3;
}

/**
 * Checks that the sizes are whole numbers of at least 1 and that `data` holds exactly that many bytes.
 * @throws MixcacheError `invalid_argument`, field "frames".
 */
export function validateFrames(frames: RgbFrames): void {
  for (const name of ["width", "height", "count"] as const) {
    const value = frames[name];
    if (!Number.isSafeInteger(value) || value < 1) {
      invalid("frames", `The frames' ${name} must be a whole number of at least 1, not ${value}.`);
    }
  }
  const expected = frames.count * frameByteLength(frames);
  if (frames.data.byteLength !== expected) {
    invalid(
      "frames",
      `${frames.count} RGB frames of ${frames.width}x${frames.height} take ${expected} bytes, ` +
        `but ${frames.data.byteLength} were given.`,
    );
  }
}

/**
 * The bytes of frame `index` (`[height, width, 3]`) as a view into `frames.data`: nothing is copied.
 * @throws MixcacheError `invalid_argument` when there is no such frame.
 */
export function frameAt(frames: RgbFrames, index: number): Uint8Array {
  if (!Number.isInteger(index) || index < 0 || index >= frames.count) {
    invalid("index", `There is no frame ${index}: the video has frames 0 to ${frames.count - 1}.`);
  }
  const size = frameByteLength(frames);
  return frames.data.subarray(index * size, (index + 1) * size);
}

/** Frame rates above this are no use for video, and WebP cannot show them. */
export const MAX_FPS = 120;

/**
 * Checks a frame rate.
 * @throws MixcacheError `invalid_argument`, field "fps".
 */
export function validateFps(fps: number): void {
  if (!Number.isFinite(fps) || fps <= 0 || fps > MAX_FPS) {
    invalid("fps", `The frames per second must be more than 0 and at most ${MAX_FPS}, not ${fps}.`);
  }
}
