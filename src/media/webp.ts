/** RgbFrames to animated WebP, by sharp: the format that needs no optional package. */

import type { RgbFrames } from "../engine/frames.ts";
import { invalid, MixcacheError, messageOf } from "../errors.ts";
import { validateFps, validateFrames } from "./frames.ts";
import { markXmp } from "./mark.ts";

/** WebP cannot store a longer side, in pixels. */
export const WEBP_MAX_SIDE = 16383;

export interface WebpOptions {
  /** RgbFrames per second, above 0 and up to 120. Browsers show nothing faster than 50. */
  readonly fps: number;
  /** 1 to 100, or `lossless` (default): exact pixels, small for hard-edged pictures. */
  readonly quality?: number | "lossless";
}

/**
 * The bytes of an animated WebP that loops for ever, marked as AI-generated. Two equal frames in a row
 * are stored as one that stays twice as long. The same frames and options give the same bytes.
 * @throws MixcacheError `invalid_argument`, `media_encode_failed`.
 */
export async function encodeWebp(frames: RgbFrames, options: WebpOptions): Promise<Uint8Array> {
  const { fps, quality = "lossless" } = options;
  validateFrames(frames);
  validateFps(fps);
  if (frames.width > WEBP_MAX_SIDE || frames.height > WEBP_MAX_SIDE) {
    invalid("frames", `WebP holds at most ${WEBP_MAX_SIDE} pixels on a side; choose --format mp4.`);
  }
  if (quality !== "lossless" && !(Number.isInteger(quality) && quality >= 1 && quality <= 100)) {
    invalid("quality", `The WebP quality must be lossless or a whole number from 1 to 100, not ${quality}.`);
  }
  // Who only answers for videos imports this room too, and may have no such library.
  const { default: sharp } = await import("sharp");
  try {
    return await sharp(frames.data, {
      // One tall picture; `pageHeight` cuts it into frames.
      raw: {
        width: frames.width,
        height: frames.height * frames.count,
        channels: 3,
        pageHeight: frames.height,
      },
      limitInputPixels: false,
    })
      .webp({
        ...(quality === "lossless" ? { lossless: true } : { quality, smartSubsample: true }),
        loop: 0,
        delay: frameDelaysMilliseconds(frames.count, fps),
        effort: 4,
      })
      .withXmp(markXmp())
      .toBuffer();
  } catch (cause) {
    throw new MixcacheError(
      "media_encode_failed",
      `Encoding ${frames.count} frames of ${frames.width}x${frames.height} as WebP failed (${messageOf(cause)}); --format mp4 may work.`,
      { cause },
    );
  }
}

/**
 * How long each frame stays, in whole milliseconds (all that WebP knows). The remainders are spread, so
 * that the whole video is right to the millisecond and never drifts.
 */
export function frameDelaysMilliseconds(count: number, fps: number): number[] {
  const endOf = (index: number) => Math.round(((index + 1) * 1000) / fps);
  return Array.from({ length: count }, (_, index) => endOf(index) - (index === 0 ? 0 : endOf(index - 1)));
}
