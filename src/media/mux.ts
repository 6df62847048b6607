/**
 * RgbFrames to an MP4 file through mediabunny, by whatever encoders there are: those of a browser's WebCodecs, or
 * those that Node was given.
 */

import { BufferTarget, Mp4OutputFormat, Output, Quality, VideoSample, VideoSampleSource } from "mediabunny";
import type { RgbFrames } from "../engine/frames.ts";
import { appendXmp, clearClocks } from "./boxes.ts";
import { frameAt } from "./frames.ts";
import { DIGITAL_SOURCE_TYPE, MARK_SENTENCE, markXmp } from "./mark.ts";
import { COLOR_SPACE, rgbToI420 } from "./yuv.ts";

/** The video codecs, and mediabunny's names for them. */
export const MEDIABUNNY_CODECS = { h264: "avc", av1: "av1", vp9: "vp9" } as const;

/** H.264 plays everywhere; AV1 and VP9 are smaller and carry no patent licence. */
export type Mp4Codec = keyof typeof MEDIABUNNY_CODECS;

/** All of them. */
export const MP4_CODECS: readonly Mp4Codec[] = ["h264", "av1", "vp9"];

export interface MuxOptions {
  readonly fps: number;
  readonly codec: Mp4Codec;
  /** Encoders in software are the same everywhere; some browsers have H.264 in hardware only. */
  readonly hardware: "prefer-software" | "no-preference";
}

/**
 * The bytes of an MP4 file: 4:2:0, BT.709, index before data, one video track, marked as AI-generated. An odd width or
 * height grows by one pixel.
 * @throws what mediabunny and the encoder say
 */
export async function muxMp4(frames: RgbFrames, options: MuxOptions): Promise<Uint8Array> {
  const bytes = await mux(frames, options);
  clearClocks(bytes);
  return appendXmp(bytes, markXmp());
}

async function mux(frames: RgbFrames, { fps, codec, hardware }: MuxOptions): Promise<Uint8Array> {
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: "in-memory" }), target });
  output.setMetadataTags({
    comment: `${MARK_SENTENCE}. Digital source type: ${DIGITAL_SOURCE_TYPE}`,
    description: MARK_SENTENCE,
  });
  const source = new VideoSampleSource({
    codec: MEDIABUNNY_CODECS[codec],
    quality: new Quality("very-high"),
    hardwareAcceleration: hardware,
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
