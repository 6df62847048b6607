/** Frames to a video file in a browser, by its own encoders. */

import { canEncodeVideo } from "mediabunny";
import type { RgbFrames } from "../engine/frames.ts";
import { MixcacheError, messageOf } from "../errors.ts";
import { validateFps, validateFrames } from "../media/frames.ts";
import { MEDIABUNNY_CODECS, MP4_CODECS, type MuxOptions, muxMp4 } from "../media/mux.ts";
import { resizeNearest, watchableFactor } from "../media/nearest.ts";

/**
 * An MP4 file, marked as AI-generated. Frames are enlarged by nearest neighbour, by the smallest whole factor that makes
 * the longer side at least 512 pixels. H.264 where the browser can encode it, else AV1, else VP9.
 * @param fps above 0 and up to 120
 * @throws MixcacheError `invalid_argument`, `media_codec_missing`, `media_encode_failed`
 */
export async function encodeVideo(frames: RgbFrames, { fps }: { readonly fps: number }): Promise<Blob> {
  validateFrames(frames);
  validateFps(fps);
  const factor = watchableFactor(frames);
  const shown = factor === 1 ? frames : resizeNearest(frames, frames.width * factor, frames.height * factor);
  const encoder = await findEncoder(shown);
  try {
    const bytes = await muxMp4(shown, { fps, ...encoder });
    return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: "video/mp4" });
  } catch (cause) {
    throw new MixcacheError(
      "media_encode_failed",
      `Encoding ${frames.count} frames of ${shown.width}x${shown.height} as ${encoder.codec} failed (${messageOf(cause)}).`,
      { cause },
    );
  }
}

async function findEncoder({ width, height }: RgbFrames): Promise<Omit<MuxOptions, "fps">> {
  for (const codec of MP4_CODECS) {
    for (const hardware of ["prefer-software", "no-preference"] as const) {
      // 4:2:0 has no odd sides.
      const size = { width: width + (width % 2), height: height + (height % 2) };
      const options = { ...size, hardwareAcceleration: hardware };
      if (await canEncodeVideo(MEDIABUNNY_CODECS[codec], options)) return { codec, hardware };
    }
  }
  throw new MixcacheError(
    "media_codec_missing",
    "This browser can't encode video (it has no WebCodecs, or no encoder of H.264, AV1 or VP9). The frames are there; " +
      "use a current Chrome, Edge, Firefox or Safari to save them as a file.",
  );
}
