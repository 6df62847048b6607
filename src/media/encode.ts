/** The one way from frames to a video file: enlarges, then encodes in the asked format. */

import type { RgbFrames } from "../engine/frames.ts";
import { invalid } from "../errors.ts";
import { validateFps, validateFrames } from "./frames.ts";
import { encodeMp4 } from "./mp4.ts";
import type { Mp4Codec } from "./mux.ts";
import { type Upscale, upscale } from "./upscale.ts";
import { encodeWebp } from "./webp.ts";

/** The video formats. */
export type VideoFormat = "mp4" | "webp";

export interface EncodeVideoOptions {
  /** `webp` works without the optional codec package. */
  readonly format: VideoFormat;
  /** For `mp4` only; default `h264`. */
  readonly codec?: Mp4Codec;
  /** RgbFrames per second, above 0 and up to 120. */
  readonly fps: number;
  /**
   * How to enlarge: `false` leaves the size alone. Default: by nearest neighbour, by the smallest whole
   * factor that makes the longer side at least 512 pixels.
   */
  readonly upscale?: Upscale | false;
}

/** WebP quality for pictures with smooth edges, where lossless would take several times the bytes. */
const SMOOTH_WEBP_QUALITY = 92;

/** Videos of at most this many source pixels a frame are small enough to store losslessly in any case. */
const LOSSLESS_PIXELS = 128 * 128;

/**
 * The bytes of a video file, marked as AI-generated. The same frames and options give the same bytes, in
 * any process. WebP is lossless for small or nearest-enlarged frames and of high quality for others.
 * @throws MixcacheError `invalid_argument`, `media_codec_missing` (MP4 without the optional package),
 *   `media_encode_failed`.
 */
export async function encodeVideo(frames: RgbFrames, options: EncodeVideoOptions): Promise<Uint8Array> {
  validateFrames(frames);
  validateFps(options.fps);
  const { format, codec, fps } = options;
  if (format !== "mp4" && format !== "webp") {
    invalid("format", `The video format must be mp4 or webp, not ${String(format)}.`);
  }
  if (format === "webp" && codec !== undefined) {
    invalid("codec", `A codec can be chosen for --format mp4 only; WebP has one of its own.`);
  }
  const enlargement = options.upscale ?? {};
  const shown = enlargement === false ? frames : await upscale(frames, enlargement);
  if (format === "mp4") return encodeMp4(shown, { fps, ...(codec === undefined ? {} : { codec }) });
  const hasHardEdges = shown !== frames && enlargement !== false && enlargement.method !== "lanczos";
  const isSmall = frames.width * frames.height <= LOSSLESS_PIXELS;
  return encodeWebp(shown, { fps, quality: hasHardEdges || isSmall ? "lossless" : SMOOTH_WEBP_QUALITY });
}
