import { describe, expect, it } from "vitest";
import { type TileSizes, tiledReference } from "../../test/support/tiled-reference.ts";
import { toyBundle } from "../../test/support/toy-bundle.ts";
import { ToyDecoder, toyFrames } from "../../test/support/toy-decoder.ts";
import { decode, decodedBlocks } from "./decode.ts";
import type { Block } from "./decode-tiles.ts";
import type { VideoShape } from "./shape.ts";

const SCALE = [4, 2, 2] as const;

function shapeOf(latent: readonly [number, number, number]): VideoShape {
  const [frames, rows, columns] = latent;
  const size = { frames: 1 + (frames - 1) * SCALE[0], height: rows * SCALE[1], width: columns * SCALE[2] };
  return { ...size, latent, grid: latent, tokens: frames * rows * columns };
}

/** A bundle whose decoder is the toy, and latents without pattern. */
function job(latent: readonly [number, number, number], tiles: TileSizes, streams: boolean) {
  const bundle = { ...toyBundle(), digest: "" };
  bundle.manifest.latents.compression = [...SCALE];
  const { decoder } = bundle.manifest;
  decoder.tiles = { ...tiles };
  decoder.first.outputs = { frames: "frames", ...(streams && { state: "state" }) };
  if (!streams) delete decoder.next;
  const shape = shapeOf(latent);
  const count = 2 * latent[0] * latent[1] * latent[2];
  const latents = Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * 0.7);
  return { bundle, backend: new ToyDecoder(SCALE), shape, latents, hooks: {} };
}

type Job = ReturnType<typeof job>;

async function assemble(made: Job): Promise<{ block: Block; written: Uint8Array }> {
  const { frames, height, width } = made.shape;
  const data = new Float32Array(3 * frames * height * width);
  const written = new Uint8Array(data.length);
  for await (const { block, at } of decodedBlocks(made)) {
    const [channels, count, rows, columns] = block.dims;
    let i = 0;
    for (let c = 0; c < channels; c++)
      for (let f = 0; f < count; f++)
        for (let y = 0; y < rows; y++)
          for (let x = 0; x < columns; x++) {
            const place = ((c * frames + at[0] + f) * height + at[1] + y) * width + at[2] + x;
            data[place] = block.data[i++] ?? Number.NaN;
            written[place] = (written[place] ?? 0) + 1;
          }
  }
  return { block: { data, dims: [3, frames, height, width] }, written };
}

const spatial = { rows: { size: 4, stride: 3 }, columns: { size: 5, stride: 3 } };

describe("tiled decoding", () => {
  it.each<[string, [number, number, number], TileSizes, boolean]>([
    ["one tile, streaming", [3, 4, 5], spatial, true],
    ["tiles of rows and columns, streaming", [3, 7, 9], spatial, true],
    ["tiles that lie wholly in their neighbours", [2, 7, 10], spatial, true],
    ["few rows, many columns", [2, 4, 9], spatial, true],
    [
      "an overlap of more than half",
      [1, 9, 9],
      { rows: { size: 4, stride: 1 }, columns: { size: 4, stride: 1 } },
      true,
    ],
    [
      "tiles without overlap",
      [2, 6, 6],
      { rows: { size: 3, stride: 3 }, columns: { size: 2, stride: 2 } },
      true,
    ],
    ["whole clips", [9, 3, 4], { frames: { size: 4, stride: 3 } }, false],
    ["clips with a last one of the repeated frame", [10, 3, 4], { frames: { size: 4, stride: 3 } }, false],
    ["clips and tiles", [8, 7, 8], { ...spatial, frames: { size: 4, stride: 3 } }, false],
    ["a short video in one clip", [4, 3, 4], { frames: { size: 4, stride: 3 } }, false],
    ["no tiles, no state", [5, 3, 4], {}, false],
  ])("%s: every pixel once, as diffusers blends it", async (_, latent, tiles, streams) => {
    const made = job(latent, tiles, streams);
    const { block, written } = await assemble(made);
    expect(new Set(written)).toEqual(new Set([1]));
    const reference = tiledReference(latent, SCALE, tiles, (box) => toyFrames(made, SCALE, box));
    expect(reference.dims).toEqual(block.dims);
    const worst = block.data.reduce(
      (w, x, i) => Math.max(w, Math.abs(x - (reference.data[i] ?? Number.NaN))),
      0,
    );
    expect(worst).toBeLessThanOrEqual(1e-6);
    expect(made.backend.held).toBe(0);
  });

  it("holds one tile's state and one call's frames at a time", async () => {
    const made = job([6, 40, 40], spatial, true);
    await decode(made.bundle, made.backend, made.shape, made.latents, {});
    expect(made.backend.mostHeld).toBeLessThanOrEqual(4);
  });

  it("gives FLOPs by the size of each call, and its progress", async () => {
    const made = job([2, 7, 9], spatial, true);
    const { decoder } = made.bundle.manifest;
    decoder.first.flops = { constant: 1, plane: 0, pixels: 10, pixels_squared: 0 };
    const fractions: number[] = [];
    const hooks = {
      onProgress: (progress: { phase: string; fraction?: number }) => fractions.push(progress.fraction ?? -1),
    };
    const { graphs } = await decode(made.bundle, made.backend, made.shape, made.latents, hooks);
    // 3 rows of tiles and 3 columns, two calls each; the largest tile has 4 x 5 latents, the last 1 x 3.
    expect(graphs.length).toBe(18);
    expect([graphs[0]?.flops, graphs[1]?.flops, graphs.at(-2)?.flops]).toEqual([201, 1, 31]);
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  });
});

describe("a decoder that is not what the manifest says", () => {
  it.each<[string, (made: Job) => void, RegExp]>([
    ["too few frames", ({ backend }) => (backend.fault = "frames"), /gave 8 frames instead of 9/],
    ["another size", ({ backend }) => (backend.fault = "size"), /instead of 1 x 3 x n x 8 x 10/],
    ["no frames", ({ backend }) => (backend.fault = "none"), /gave no frames/],
    ["whole numbers", ({ backend }) => (backend.fault = "dtype"), /are int64; they must be float32/],
  ])("is refused: %s, and nothing is left behind", async (_, change, sentence) => {
    const made = job([3, 4, 5], {}, true);
    change(made);
    await expect(decode(made.bundle, made.backend, made.shape, made.latents, {})).rejects.toThrow(sentence);
    expect(made.backend.held).toBe(0);
  });
});
