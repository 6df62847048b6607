/** A cached video against the one that was computed in full from the same prompt and seed. */

import { invalid } from "../../errors.ts";
import type { RgbFrames } from "../frames.ts";
import { gmsd } from "./gmsd.ts";
import { haarpsi } from "./haarpsi.ts";
import { psnr, psnrTemporal, psnrVideo } from "./psnr.ts";
import { sharpnessRatio } from "./sharpness.ts";
import { ssim } from "./ssim.ts";

/** What `compareVideos` measures; docs/metrics.md says what each is. Of equal videos: 100, 1, 0 or a ratio of 1. */
export interface VideoMetrics {
  /** dB, mean of the frames' PSNRs; higher is better. */
  readonly psnr: number;
  /** dB, of the whole video's MSE; higher is better. */
  readonly psnr_video: number;
  /** 1 is best. */
  readonly ssim: number;
  /** 1 is best. */
  readonly haarpsi: number;
  /** 0 is best. */
  readonly gmsd: number;
  /** dB, of the frame differences; higher is better. */
  readonly psnr_temporal: number;
  /** 1 is best; `sharpnessAlarm` says when it is too far from that. */
  readonly sharpness_ratio: number;
}

/** HaarPSI's coarsest wavelet takes 8 pixels at half size. */
const SMALLEST_SIDE = 16;

/**
 * All metrics of a video against its reference, from raw frames.
 * @throws MixcacheError `invalid_argument` where the sizes differ, a frame is smaller than 16×16, there are fewer than
 * two frames, or the data is not of the size that the video claims.
 */
export function compareVideos(reference: RgbFrames, video: RgbFrames): VideoMetrics {
  check("reference", reference);
  check("video", video);
  if (sizeOf(reference) !== sizeOf(video)) {
    invalid(
      "video",
      `The video is ${sizeOf(video)}, its reference ${sizeOf(reference)}. Generate both with the same size and number of frames.`,
    );
  }
  return {
    psnr: psnr(reference, video),
    psnr_video: psnrVideo(reference, video),
    ssim: ssim(reference, video),
    haarpsi: haarpsi(reference, video),
    gmsd: gmsd(reference, video),
    psnr_temporal: psnrTemporal(reference, video),
    sharpness_ratio: sharpnessRatio(reference, video),
  };
}

function sizeOf({ width, height, count }: RgbFrames): string {
  return `${width}×${height} with ${count} frames`;
}

function check(field: string, video: RgbFrames): void {
  const { width, height, count, data } = video;
  if (!(Math.min(width, height) >= SMALLEST_SIDE && count >= 2)) {
    invalid(
      field,
      `The ${field} is ${sizeOf(video)}. Give at least 2 frames of ${SMALLEST_SIDE}×${SMALLEST_SIDE} pixels.`,
    );
  }
  const bytes = width * height * count * 3;
  if (data.length !== bytes) {
    invalid(
      field,
      `The ${field} holds ${data.length} bytes, but ${sizeOf(video)} take ${bytes}. Give RGB bytes, 3 for each pixel.`,
    );
  }
}
