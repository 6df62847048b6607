/** Raw video: what the engine gives and the media room takes. */

/** Frames as RGB bytes. */
export interface RgbFrames {
  readonly width: number;
  readonly height: number;
  readonly count: number;
  /** [count, height, width, 3] */
  readonly data: Uint8Array;
}
