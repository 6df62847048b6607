/** RgbFrames to MP4 in Node, where the codecs come from an optional package that is loaded at the first encoding. */

import type { RgbFrames } from "../engine/frames.ts";
import { invalid, MixcacheError, messageOf } from "../errors.ts";
import { validateFps, validateFrames } from "./frames.ts";
import { MP4_CODECS, type Mp4Codec, muxMp4 } from "./mux.ts";

export interface Mp4Options {
  /** RgbFrames per second, above 0 and up to 120; need not be whole. */
  readonly fps: number;
  /** Default: `h264`. */
  readonly codec?: Mp4Codec;
  /** Makes encoders available to mediabunny; replaced in tests. Default: the package `@mediabunny/server`. */
  readonly loadCodecs?: () => Promise<void>;
}

/**
 * The bytes of an MP4 file: 4:2:0, BT.709, index before data, one video track, marked as AI-generated. An
 * odd width or height grows by one pixel. The same frames and options give the same bytes, on any number
 * of cores, with the same versions of the codec packages.
 * @throws MixcacheError `invalid_argument`; `media_codec_missing` without the optional codec package;
 *   `media_encode_failed` when the encoder fails.
 */
export async function encodeMp4(frames: RgbFrames, options: Mp4Options): Promise<Uint8Array> {
  const { fps, codec = "h264", loadCodecs = loadNodeCodecs } = options;
  validateFrames(frames);
  validateFps(fps);
  if (!MP4_CODECS.includes(codec)) {
    invalid("codec", `The video codec must be one of ${MP4_CODECS.join(", ")}, not ${String(codec)}.`);
  }
  await loadCodecs();
  try {
    // The encoders of Node.js have quality scales of their own.
    return await muxMp4(frames, { fps, codec, hardware: "prefer-software" });
  } catch (cause) {
    throw new MixcacheError(
      "media_encode_failed",
      `Encoding ${frames.count} frames of ${frames.width}x${frames.height} as ${codec} failed ` +
        `(${messageOf(cause)}); another codec or --format webp may work.`,
      { cause },
    );
  }
}

/**
 * Loads the optional codec package for Node.js and registers its encoders and decoders.
 * @throws MixcacheError `media_codec_missing` when it is not installed or does not load here.
 */
export async function loadNodeCodecs(
  importCodecs: () => Promise<{ registerNodeCodecs(): void }> = () => import("./node-encoder.ts"),
): Promise<void> {
  try {
    (await importCodecs()).registerNodeCodecs();
  } catch (cause) {
    throw new MixcacheError(
      "media_codec_missing",
      "MP4 needs the optional package @mediabunny/server, which is missing or does not load here. " +
        "Install it with `npm install @mediabunny/server` (its codecs are a build of FFmpeg under the GPL, " +
        "version 3 or later), or choose --format webp, which works without it.",
      { cause },
    );
  }
}
