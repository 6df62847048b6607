/** Both ends of decoding: latents as the decoder takes them, and its floats as bytes. */

import type { Manifest } from "./bundle/manifest.ts";
import type { Block, Span } from "./decode-tiles.ts";
import type { HostTensor } from "./segments/contract.ts";
import type { VideoShape } from "./shape.ts";

/** Some latents by frames, rows and columns. */
export type Region = readonly [frames: Span, rows: Span, columns: Span];

/**
 * A region of the latents as the decoder takes it: [1, channels, frames, rows, columns], un-normalised with the
 * bundle's statistics.
 * @param latents of the whole video, in the bundle's layout
 */
export function latentRegion(
  { latents: { channels, layout, mean, std } }: Manifest,
  shape: VideoShape,
  latents: Float32Array,
  region: Region,
): HostTensor {
  const [total, height, width] = shape.latent;
  const [frames, rows, columns] = region.map(([from, to]) => to - from) as [number, number, number];
  const [firstFrame, firstRow, firstColumn] = region.map(([from]) => from) as [number, number, number];
  const data = new Float32Array(channels * frames * rows * columns);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let f = firstFrame; f < firstFrame + frames; f++) {
      const plane = layout === "channels_first" ? c * total + f : f * channels + c;
      for (let r = firstRow; r < firstRow + rows; r++) {
        const source = (plane * height + r) * width + firstColumn;
        for (let x = 0; x < columns; x++) {
          data[at++] = Math.fround((latents[source + x] ?? 0) * (std[c] ?? 1)) + (mean[c] ?? 0);
        }
      }
    }
  }
  return { dtype: "float32", dims: [1, channels, frames, rows, columns], data };
}

/** A block of pixels and the frame, row and column of the video where it begins. */
export interface PlacedBlock {
  readonly block: Block;
  readonly at: readonly [frame: number, row: number, column: number];
}

/**
 * Writes red, green and blue floats as bytes into [frames, height, width, 3].
 * @param range the values of black and white
 */
export function writePixels(
  target: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  { block, at }: PlacedBlock,
  [black, white]: readonly [number, number],
): void {
  const [, frames, rows, columns] = block.dims;
  const scale = 255 / (white - black);
  for (let c = 0; c < 3; c++) {
    for (let f = 0; f < frames; f++) {
      for (let r = 0; r < rows; r++) {
        const source = ((c * frames + f) * rows + r) * columns;
        const start = (((at[0] + f) * height + at[1] + r) * width + at[2]) * 3 + c;
        for (let x = 0; x < columns; x++) {
          const value = ((block.data[source + x] ?? black) - black) * scale;
          target[start + x * 3] = Math.round(Math.min(255, Math.max(0, value)));
        }
      }
    }
  }
}
