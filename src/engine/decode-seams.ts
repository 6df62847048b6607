/** Joins decoded tiles to one video, keeping of each only what its neighbours still need. */

import type { Manifest } from "./bundle/manifest.ts";
import {
  type Axis,
  type Block,
  blend,
  COLUMNS,
  FRAMES,
  part,
  ROWS,
  type TilePlan,
  tail,
} from "./decode-tiles.ts";
import type { PlacedBlock } from "./pixels.ts";

/** Where a decoded block belongs: its tile, which call of the tile gave it, and its first frame in the tile. */
export interface BlockPlace {
  readonly clip: number;
  readonly row: number;
  readonly column: number;
  readonly call: number;
  readonly frame: number;
}

/** Takes the blocks in order (clips, rows, columns, calls) and gives the parts that cover the video once. */
export class TileJoiner {
  readonly #plan: TilePlan;
  /** Video frames, rows and columns per latent, and how many frames the first latent of a later clip repeats. */
  readonly #scale: readonly [number, number, number];
  readonly #repeated: number;
  readonly #rows: Seam;
  readonly #columns: Seam;
  readonly #frames: Seam;

  constructor({ latents }: Manifest, plan: TilePlan) {
    this.#plan = plan;
    this.#scale = latents.compression;
    this.#repeated = latents.first_frame_alone ? 1 : 0;
    const [frames, rows, columns] = latents.compression;
    this.#frames = new Seam(FRAMES, plan.overlap[0] * frames);
    this.#rows = new Seam(ROWS, plan.overlap[1] * rows);
    this.#columns = new Seam(COLUMNS, plan.overlap[2] * columns);
  }

  /** Blends a block with its neighbours above, to the left and before, in this order; cuts off what is the next ones'. */
  join(block: Block, { clip, row, column, call, frame }: BlockPlace): PlacedBlock {
    const { clips, rows, columns } = this.#plan;
    const [perFrame, perRow, perColumn] = this.#scale;
    const inRow = `${column} ${call}`;
    const inColumn = `${call}`;
    this.#rows.blend(inRow, block);
    this.#columns.blend(inColumn, block);
    this.#rows.keep(inRow, block, row + 1 < rows.length);
    this.#columns.keep(inColumn, block, column + 1 < columns.length);
    const top = (rows[row]?.[0] ?? 0) * perRow;
    const left = (columns[column]?.[0] ?? 0) * perColumn;
    const below = rows[row + 1]?.[0];
    const right = columns[column + 1]?.[0];
    let own = block;
    if (below !== undefined) own = part(own, ROWS, [0, below * perRow - top]);
    if (right !== undefined) own = part(own, COLUMNS, [0, right * perColumn - left]);
    // A later clip begins with the latent frame that the clip before it gives in full.
    if (clip > 0) own = part(own, FRAMES, [this.#repeated, Number.POSITIVE_INFINITY]);
    const start = clip === 0 ? 0 : (clips[clip]?.[0] ?? 0) * perFrame + this.#repeated;
    this.#frames.blend(`${row} ${column}`, own);
    this.#frames.keep(`${row} ${column}`, own, clip + 1 < clips.length);
    const later = clips[clip + 1]?.[0];
    if (later !== undefined) own = part(own, FRAMES, [0, later * perFrame + this.#repeated - start]);
    return { block: own, at: [start + frame, top, left] };
  }
}

/** The ends of blocks along one axis, until their successors are there. */
class Seam {
  readonly #axis: Axis;
  readonly #length: number;
  readonly #ends = new Map<string, Block>();

  /** @param length how many frames, rows or columns of pixels neighbours share */
  constructor(axis: Axis, length: number) {
    this.#axis = axis;
    this.#length = length;
  }

  blend(key: string, block: Block): void {
    const end = this.#ends.get(key);
    this.#ends.delete(key);
    if (end) blend(end, block, this.#axis, this.#length);
  }

  keep(key: string, block: Block, needed: boolean): void {
    if (needed) this.#ends.set(key, tail(block, this.#axis, this.#length));
  }
}
