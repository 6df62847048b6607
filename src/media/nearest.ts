/** Enlarging by nearest neighbour, which needs no library: in Node and in browsers. */

import type { RgbFrames } from "../engine/frames.ts";
import { frameAt } from "./frames.ts";

/** The longer side, in pixels, that the default factor reaches. */
const DEFAULT_LONGER_SIDE = 512;

/** The smallest whole factor that makes the longer side at least `DEFAULT_LONGER_SIDE` pixels. */
export function watchableFactor({ width, height }: Pick<RgbFrames, "width" | "height">): number {
  return Math.ceil(DEFAULT_LONGER_SIDE / Math.max(width, height));
}

/** RgbFrames of exactly `width` x `height` pixels, larger or smaller. */
export function resizeNearest(frames: RgbFrames, width: number, height: number): RgbFrames {
  const size = width * height * 3;
  const data = new Uint8Array(frames.count * size);
  // The source byte offset of each target column, worked out once for all rows and frames.
  const columns = Int32Array.from(
    { length: width },
    (_, x) => Math.floor(((x + 0.5) * frames.width) / width) * 3,
  );
  const row = width * 3;
  for (let index = 0; index < frames.count; index++) {
    const source = frameAt(frames, index);
    const target = data.subarray(index * size, (index + 1) * size);
    let filledFrom = -1;
    for (let y = 0; y < height; y++) {
      const sourceY = Math.floor(((y + 0.5) * frames.height) / height);
      if (sourceY === filledFrom) {
        target.copyWithin(y * row, (y - 1) * row, y * row);
        continue;
      }
      filledFrom = sourceY;
      const from = sourceY * frames.width * 3;
      let to = y * row;
      for (const column of columns) {
        target[to++] = source[from + column] ?? 0;
        target[to++] = source[from + column + 1] ?? 0;
        target[to++] = source[from + column + 2] ?? 0;
      }
    }
  }
  return { width, height, count: frames.count, data };
}
