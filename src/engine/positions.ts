/**
 * Where the tokens of a video lie along each axis, for position embeddings: in float32, as the pipelines that
 * models were trained with have them.
 */

import type { VideoShape } from "./shape.ts";

const { fround } = Math;

/** Positions along frames, rows and columns, one for each step of the token grid. */
export type Positions = readonly [frames: Float32Array, rows: Float32Array, columns: Float32Array];

/** 0, 1, 2, … along each axis. */
export function gridPositions({ grid }: VideoShape): Positions {
  const [frames, rows, columns] = grid;
  return [countUp(frames), countUp(rows), countUp(columns)];
}

/**
 * Positions on the grid that a model was trained with: the video's grid is enlarged or shrunk to fit inside the
 * base grid and lies in its middle. Its n rows are spread evenly from where it begins to (n - 1) / n of where it
 * ends, and its columns likewise. Frames count up. (diffusers: `get_resize_crop_region_for_grid` and
 * `get_3d_rotary_pos_embed` with `linspace`.)
 * @param base rows and columns of the base grid, in tokens
 */
export function centredPositions(
  { grid }: VideoShape,
  [baseRows, baseColumns]: readonly [number, number],
): Positions {
  const [frames, rows, columns] = grid;
  const tall = rows / columns > baseRows / baseColumns;
  const height = tall ? baseRows : roundHalfEven((baseColumns / columns) * rows);
  const width = tall ? roundHalfEven((baseRows / rows) * columns) : baseColumns;
  const top = roundHalfEven((baseRows - height) / 2);
  const left = roundHalfEven((baseColumns - width) / 2);
  return [
    countUp(frames),
    linspace(top, ((top + height) * (rows - 1)) / rows, rows),
    linspace(left, ((left + width) * (columns - 1)) / columns, columns),
  ];
}

function countUp(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => i);
}

/** torch.linspace in float32: from both ends towards the middle, each product and sum rounded once. */
function linspace(first: number, last: number, count: number): Float32Array {
  const [start, end] = [fround(first), fround(last)];
  const spacing = count > 1 ? fround(fround(end - start) / (count - 1)) : 0;
  return Float32Array.from({ length: count }, (_, i) =>
    i < count / 2 ? start + spacing * i : end - spacing * (count - 1 - i),
  );
}

/** As Python's `round` and numpy's: 0.5 goes to the even neighbour. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
