/**
 * Tiled decoding as diffusers does it, on whole arrays: `tiled_decode` of the video autoencoders and
 * `_temporal_tiled_decode` of those that decode clips. Slow and plain, to compare the engine with.
 */

import type { Block } from "../../src/engine/decode-tiles.ts";

export interface TileSizes {
  readonly frames?: { readonly size: number; readonly stride: number };
  readonly rows?: { readonly size: number; readonly stride: number };
  readonly columns?: { readonly size: number; readonly stride: number };
}

/** Where a stretch of latents begins and ends, by frames, rows and columns. */
export type Box = readonly [[number, number], [number, number], [number, number]];

type Dims = Block["dims"];

function make(dims: Dims, at: (c: number, f: number, y: number, x: number) => number): Block {
  const [channels, frames, rows, columns] = dims;
  const data = new Float32Array(channels * frames * rows * columns);
  let i = 0;
  for (let c = 0; c < channels; c++)
    for (let f = 0; f < frames; f++)
      for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) data[i++] = at(c, f, y, x);
  return { data, dims };
}

/** One value of a block. */
export function valueAt({ data, dims: [, frames, rows, columns] }: Block, index: readonly number[]): number {
  const [c = 0, f = 0, y = 0, x = 0] = index;
  return data[((c * frames + f) * rows + y) * columns + x] ?? Number.NaN;
}

function blended(before: Block, block: Block, axis: 1 | 2 | 3, extent: number): Block {
  const n = Math.min(before.dims[axis], block.dims[axis], extent);
  return make(block.dims, (...index) => {
    const place = index[axis] ?? 0;
    const own = valueAt(block, index);
    if (place >= n) return own;
    const there = index.with(axis, before.dims[axis] - n + place);
    return valueAt(before, there) * (1 - place / n) + own * (place / n);
  });
}

function cut(block: Block, axis: 1 | 2 | 3, from: number, to: number): Block {
  const length = Math.max(0, Math.min(to, block.dims[axis]) - from);
  return make(block.dims.with(axis, length) as unknown as Dims, (...index) =>
    valueAt(block, index.with(axis, (index[axis] ?? 0) + from)),
  );
}

function joined(blocks: readonly Block[], axis: 1 | 2 | 3): Block {
  const total = blocks.reduce((sum, { dims }) => sum + dims[axis], 0);
  const first = blocks[0];
  if (!first) throw new Error("nothing to join");
  return make(first.dims.with(axis, total) as unknown as Dims, (...index) => {
    let place = index[axis] ?? 0;
    const block = blocks.find(({ dims }) => {
      if (place < dims[axis]) return true;
      place -= dims[axis];
      return false;
    });
    return block ? valueAt(block, index.with(axis, place)) : Number.NaN;
  });
}

/**
 * The whole video.
 * @param latent latent frames, rows, columns
 * @param scale video frames, rows and columns per latent
 * @param decodeBox what the decoder makes of a stretch of latents
 */
export function tiledReference(
  latent: readonly [number, number, number],
  scale: readonly [number, number, number],
  tiles: TileSizes,
  decodeBox: (box: Box) => Block,
): Block {
  const [frames, rows, columns] = latent;
  const clip = tiles.frames;
  if (!clip || frames <= clip.size) return spatial([0, frames], rows, columns, scale, tiles, decodeBox);
  const row: Block[] = [];
  for (let i = 0; i < frames; i += clip.stride) {
    const decoded = spatial([i, Math.min(i + clip.size + 1, frames)], rows, columns, scale, tiles, decodeBox);
    const own = i > 0 ? cut(decoded, 1, 1, Number.POSITIVE_INFINITY) : decoded;
    const before = row.at(-1);
    row.push(before ? blended(before, own, 1, (clip.size - clip.stride) * scale[0]) : own);
  }
  const kept = row.map((block, i) => cut(block, 1, 0, clip.stride * scale[0] + (i === 0 ? 1 : 0)));
  return cut(joined(kept, 1), 1, 0, (frames - 1) * scale[0] + 1);
}

function spatial(
  clip: [number, number],
  rows: number,
  columns: number,
  scale: readonly [number, number, number],
  tiles: TileSizes,
  decodeBox: (box: Box) => Block,
): Block {
  const [down, across] = [tiles.rows, tiles.columns];
  if (!down || !across || (rows <= down.size && columns <= across.size))
    return decodeBox([clip, [0, rows], [0, columns]]);
  const table: Block[][] = [];
  for (let i = 0; i < rows; i += down.stride) {
    const row: Block[] = [];
    for (let j = 0; j < columns; j += across.stride) {
      const box: Box = [clip, [i, Math.min(i + down.size, rows)], [j, Math.min(j + across.size, columns)]];
      let tile = decodeBox(box);
      const above = table.at(-1)?.[row.length];
      const left = row.at(-1);
      if (above) tile = blended(above, tile, 2, (down.size - down.stride) * scale[1]);
      if (left) tile = blended(left, tile, 3, (across.size - across.stride) * scale[2]);
      row.push(tile);
    }
    table.push(row);
  }
  const lines = table.map((row) =>
    joined(
      row.map((tile) => cut(cut(tile, 2, 0, down.stride * scale[1]), 3, 0, across.stride * scale[2])),
      3,
    ),
  );
  return cut(cut(joined(lines, 2), 2, 0, rows * scale[1]), 3, 0, columns * scale[2]);
}
