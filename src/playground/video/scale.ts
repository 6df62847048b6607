/** How large a video is shown. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Videos up to this many pixels wide are pixel art: every pixel of theirs is a square of whole device pixels. */
const PIXEL_ART_WIDTH = 160;

/** The size in CSS pixels, and whether pixels are to keep their edges. */
export interface Shown extends Size {
  readonly pixelated: boolean;
}

/**
 * The largest size within a box: small videos by a whole factor of device pixels, others as they fit, and not beyond
 * their own size.
 * @param box in CSS pixels
 * @param pixelRatio device pixels per CSS pixel
 */
export function shownSize(video: Size, box: Size, pixelRatio: number): Shown {
  const fit = Math.min(box.width / video.width, box.height / video.height);
  if (video.width > PIXEL_ART_WIDTH) return { ...scaled(video, Math.min(fit, 1)), pixelated: false };
  const factor = Math.max(1, Math.floor(fit * pixelRatio)) / pixelRatio;
  return { ...scaled(video, factor), pixelated: true };
}

function scaled({ width, height }: Size, factor: number): Size {
  return { width: width * factor, height: height * factor };
}
