/**
 * Tiles of a video that is too large to be decoded at once: where they lie, and how neighbours are blended where they
 * overlap, as diffusers' autoencoders do it.
 */

import type { Manifest } from "./bundle/manifest.ts";
import type { TileSpan } from "./bundle/manifest-decoder.ts";
import type { VideoShape } from "./shape.ts";

/** A stretch of latents along one axis, from the first up to the second. */
export type Span = readonly [from: number, to: number];

/** How a video is cut for decoding: every clip in time, in every row and column of tiles. */
export interface TilePlan {
  readonly clips: readonly Span[];
  readonly rows: readonly Span[];
  readonly columns: readonly Span[];
  /** Latent frames, rows and columns over which neighbours are blended. */
  readonly overlap: readonly [frames: number, rows: number, columns: number];
}

/**
 * The tiles of a video. Where a first latent frame stands for one video frame, clips are one latent frame longer
 * than their `size`: a clip's first one is in the clip before it too, and only there as it should be.
 * @param latent latent frames, rows and columns of the video
 */
export function planTiles({ decoder, latents }: Manifest, latent: VideoShape["latent"]): TilePlan {
  const [frames, rows, columns] = latent;
  const { tiles } = decoder;
  const repeated = latents.first_frame_alone ? 1 : 0;
  const long = tiles?.frames && frames > tiles.frames.size ? tiles.frames : undefined;
  const large =
    tiles?.rows && tiles.columns && (rows > tiles.rows.size || columns > tiles.columns.size)
      ? tiles
      : undefined;
  const clips = spans(frames, long, repeated);
  return {
    // A last clip of the repeated frame alone would add nothing.
    clips: clips.filter(([from, to]) => from === 0 || to - from > repeated),
    rows: spans(rows, large?.rows),
    columns: spans(columns, large?.columns),
    overlap: [overlapOf(long), overlapOf(large?.rows), overlapOf(large?.columns)],
  };
}

function overlapOf(span: TileSpan | undefined): number {
  return span ? span.size - span.stride : 0;
}

/** One span every `stride`, `size` and `more` long or up to the end; the last may lie wholly in the one before it. */
function spans(length: number, span: TileSpan | undefined, more = 0): Span[] {
  if (!span) return [[0, length]];
  const starts = Array.from({ length: Math.ceil(length / span.stride) }, (_, i) => i * span.stride);
  return starts.map((from) => [from, Math.min(from + span.size + more, length)]);
}

/** Decoded pixels, [channels, frames, rows, columns]. */
export interface Block {
  readonly data: Float32Array;
  readonly dims: readonly [channels: number, frames: number, rows: number, columns: number];
}

/** Axes of a block. */
export const FRAMES = 1;
export const ROWS = 2;
export const COLUMNS = 3;
export type Axis = typeof FRAMES | typeof ROWS | typeof COLUMNS;

/** A part of a block: along one axis, from the first up to the second; a copy. */
export function part({ data, dims }: Block, axis: Axis, [from, to]: Span): Block {
  const length = dims[axis];
  const [start, end] = [Math.min(from, length), Math.min(to, length)];
  const { outer, inner } = around(dims, axis);
  const size = (end - start) * inner;
  const result = new Float32Array(outer * size);
  for (let o = 0; o < outer; o++) {
    const source = (o * length + start) * inner;
    result.set(data.subarray(source, source + size), o * size);
  }
  const [c, f, r, w] = dims.with(axis, end - start);
  return { data: result, dims: [c ?? 0, f ?? 0, r ?? 0, w ?? 0] };
}

/** The last `length` frames, rows or columns of a block, or all of them; a copy. */
export function tail(block: Block, axis: Axis, length: number): Block {
  const end = block.dims[axis];
  return part(block, axis, [Math.max(0, end - length), end]);
}

/**
 * Fades from the end of one block over into the beginning of the next, which is changed in place: at place i of n
 * the weights are 1 − i/n and i/n, in float32. Where one is shorter than `length`, n is its length.
 */
export function blend(before: Block, block: Block, axis: Axis, length: number): void {
  const [a, b] = [before.dims[axis], block.dims[axis]];
  const n = Math.min(a, b, length);
  const { outer, inner } = around(block.dims, axis);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < n; i++) {
      const [old, young] = [Math.fround(1 - i / n), Math.fround(i / n)];
      const [from, to] = [(o * a + a - n + i) * inner, (o * b + i) * inner];
      for (let k = 0; k < inner; k++) {
        const faded = Math.fround((before.data[from + k] ?? 0) * old);
        block.data[to + k] = faded + Math.fround((block.data[to + k] ?? 0) * young);
      }
    }
  }
}

function around(dims: Block["dims"], axis: Axis): { outer: number; inner: number } {
  const product = (part: readonly number[]) => part.reduce((p, n) => p * n, 1);
  return { outer: product(dims.slice(0, axis)), inner: product(dims.slice(axis + 1)) };
}
