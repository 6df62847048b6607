/**
 * RgbFrames to MP4 through mediabunny. Free of node: modules, so that a browser can use it over WebCodecs;
 * in Node.js the codecs come from an optional package that is loaded at the first encoding.
 */

import { BufferTarget, Mp4OutputFormat, Output, Quality, VideoSample, VideoSampleSource } from "mediabunny";
import type { RgbFrames } from "../engine/frames.ts";
import { invalid, MixcacheError, messageOf } from "../errors.ts";
import { appendXmp, clearClocks } from "./boxes.ts";
import { frameAt, validateFps, validateFrames } from "./frames.ts";
import { DIGITAL_SOURCE_TYPE, MARK_SENTENCE, markXmp } from "./mark.ts";
import { COLOR_SPACE, rgbToI420 } from "./yuv.ts";

/** The video codecs, and mediabunny's names for them. */
const MEDIABUNNY_CODECS = { h264: "avc", av1: "av1", vp9: "vp9" } as const;

/** H.264 plays everywhere; AV1 and VP9 are smaller and carry no patent licence. */
export type Mp4Codec = keyof typeof MEDIABUNNY_CODECS;

/** The codecs that `encodeMp4` takes. */
export const MP4_CODECS: readonly Mp4Codec[] = ["h264", "av1", "vp9"];

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
  if (!Object.hasOwn(MEDIABUNNY_CODECS, codec)) {
    invalid("codec", `The video codec must be one of ${MP4_CODECS.join(", ")}, not ${String(codec)}.`);
  }
  // Browsers bring their own encoders.
  if (typeof VideoEncoder === "undefined") await loadCodecs();
  try {
    const bytes = await mux(frames, fps, codec);
    clearClocks(bytes);
    return appendXmp(bytes, markXmp());
  } catch (cause) {
    throw new MixcacheError(
      "media_encode_failed",
      `Encoding ${frames.count} frames of ${frames.width}x${frames.height} as ${codec} failed ` +
        `(${messageOf(cause)}); another codec or --format webp may work.`,
      { cause },
    );
  }
}

async function mux(frames: RgbFrames, fps: number, codec: Mp4Codec): Promise<Uint8Array> {
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: "in-memory" }), target });
  output.setMetadataTags({
    comment: `${MARK_SENTENCE}. Digital source type: ${DIGITAL_SOURCE_TYPE}`,
    description: MARK_SENTENCE,
  });
  const source = new VideoSampleSource({
    codec: MEDIABUNNY_CODECS[codec],
    // For browsers; the Node.js encoder has quality scales of its own.
    quality: new Quality("very-high"),
    hardwareAcceleration: "prefer-software",
  });
  output.addVideoTrack(source, { frameRate: fps });
  try {
    await output.start();
    for (let index = 0; index < frames.count; index++) {
      const picture = rgbToI420(frameAt(frames, index), frames.width, frames.height);
      const sample = new VideoSample(picture.data, {
        format: "I420",
        codedWidth: picture.width,
        codedHeight: picture.height,
        timestamp: index / fps,
        duration: 1 / fps,
        colorSpace: COLOR_SPACE,
      });
      try {
        await source.add(sample);
      } finally {
        sample.close();
      }
    }
    await output.finalize();
  } catch (error) {
    // Frees the encoder; what it says about being cancelled would hide the reason.
    await output.cancel().catch(() => undefined);
    throw error;
  }
  if (target.buffer === null) throw new Error("The muxer gave no file.");
  return new Uint8Array(target.buffer);
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
