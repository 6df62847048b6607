/**
 * Tiled decoding against diffusers' `tiled_decode`, with the decoder of the tiny Wan. The reference comes from
 * `python/parity/tiles.py`.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { readBundle } from "../../src/engine/bundle/read.ts";
import { decodedBlocks } from "../../src/engine/decode.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import type { VideoShape } from "../../src/engine/shape.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { readGolden } from "../support/golden.ts";
import type { TileSizes } from "../support/tiled-reference.ts";

const FRAME_TOLERANCE = 1e-4;

interface About {
  readonly latent: readonly [number, number, number];
  readonly tiles: TileSizes;
  readonly weights_digest: string;
}

const FIXTURES = path.join(import.meta.dirname, "../fixtures");
const BUNDLE = path.join(FIXTURES, "models/wan/bundle");
const { about, tensor } = readGolden<About>(path.join(FIXTURES, "tiles"));

it("was made with the weights of the bundle's decoder (python/parity/tiles.py makes it anew)", () => {
  const weights = readFileSync(path.join(BUNDLE, "decoder_next.data"));
  expect(createHash("sha256").update(weights).digest("hex")).toBe(about.weights_digest);
});

it(`tiles, blended where they overlap, give diffusers' frames to ${FRAME_TOLERANCE}`, async () => {
  const files = new FolderFiles(BUNDLE);
  const bundle = await readBundle(files);
  const { manifest } = bundle;
  manifest.decoder.tiles = { ...about.tiles };
  const [frames, rows, columns] = about.latent;
  const [perFrame, perRow, perColumn] = manifest.latents.compression;
  const shape: VideoShape = {
    frames: 1 + (frames - 1) * perFrame,
    height: rows * perRow,
    width: columns * perColumn,
    latent: about.latent,
    grid: about.latent,
    tokens: 0,
  };
  // diffusers' decoder gets latents that are un-normalised already.
  const { mean, std, channels } = manifest.latents;
  const plane = frames * rows * columns;
  const latents = tensor("latents").data.map((x, i) => {
    const channel = Math.floor(i / plane) % channels;
    return (x - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  });
  const backend = new OnnxBackend(manifest, await openOnnxNode(files, { threads: 1 }));
  const reference = tensor("frames").data;
  let worst = 0;
  let seen = 0;
  try {
    for await (const { block, at } of decodedBlocks({ bundle, backend, shape, latents, hooks: {} })) {
      const [, count, height, width] = block.dims;
      block.data.forEach((value, i) => {
        const [x, y] = [i % width, Math.floor(i / width) % height];
        const [f, c] = [Math.floor(i / (width * height)) % count, Math.floor(i / (width * height * count))];
        const place = ((c * shape.frames + at[0] + f) * shape.height + at[1] + y) * shape.width + at[2] + x;
        const clamped = Math.max(-1, Math.min(1, value));
        worst = Math.max(worst, Math.abs(clamped - (reference[place] ?? Number.NaN)));
        seen += 1;
      });
    }
  } finally {
    await backend.dispose();
  }
  expect(seen).toBe(reference.length);
  expect(worst).toBeLessThanOrEqual(FRAME_TOLERANCE);
});
