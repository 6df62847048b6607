/** The toy bundle with graphs that run, in a folder. */

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Manifest, manifestSchema } from "../../src/engine/bundle/manifest.ts";
import { toyManifest } from "./toy-bundle.ts";
import { type ToySizes, toyGraphs } from "./toy-graphs.ts";

/** 64 tokens of 64 channels, 4 blocks: seconds on a GPU that is made of software. */
export const TOY_SIZES: ToySizes = {
  width: 64,
  blocks: 4,
  channels: 2,
  latent: [4, 8, 8],
  words: 16,
  textTokens: 8,
  scale: 8,
  framesPerLatent: 4,
};

const WORDS = ["<pad>", "<null>", "<start>", "a", "red", "green", "blue", "circle", "square", "moves"];
const MORE = ["left", "right", "up", "down", "on", "background"];

export interface ToyFolder {
  readonly folder: string;
  readonly remove: () => void;
}

/** Writes the bundle, `whole.onnx` among its files. */
export function toyFolder(sizes: ToySizes = TOY_SIZES): ToyFolder {
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-toy-"));
  const words = [...WORDS, ...MORE];
  const tokenizer = JSON.stringify({ kind: "words", words, pad: "<pad>", null: "<null>", start: "<start>" });
  const files = { ...toyGraphs(sizes), "tokenizer.json": new TextEncoder().encode(tokenizer) };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
  writeFileSync(path.join(folder, "model.json"), JSON.stringify(runnableManifest(sizes, files)));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The toy's manifest, in these sizes and with these files. */
function runnableManifest(sizes: ToySizes, files: Readonly<Record<string, Uint8Array>>): Manifest {
  const toy = toyManifest();
  const { width, blocks, channels, latent, textTokens, scale, framesPerLatent } = sizes;
  const [denoiser] = toy.denoisers;
  const [encoder] = toy.text_encoders;
  const only = (size: number) => ({ min: size, max: size, multiple: 1 });
  const video = {
    width: latent[2] * scale,
    height: latent[1] * scale,
    frames: 1 + (latent[0] - 1) * framesPerLatent,
  };
  const same = (...names: string[]) => Object.fromEntries(names.map((name) => [name, name]));
  return manifestSchema.parse({
    ...toy,
    video: {
      default: { ...video, fps: 8 },
      width: only(video.width),
      height: only(video.height),
      frames: { ...only(video.frames), offset: 0 },
    },
    latents: { ...toy.latents, channels },
    text_encoders: [{ ...encoder, max_tokens: textTokens, inputs: { ids: "ids" } }],
    denoisers: [
      {
        ...denoiser,
        values: {
          ...denoiser?.values,
          hidden: { kind: "stream", dims: [1, "tokens", width] },
          temb: { kind: "step", dims: [1, width] },
          modulated_input: { kind: "step", dims: [1, "tokens", width] },
          context: { kind: "prompt", dims: [1, textTokens, width] },
        },
        segments: [
          {
            id: "front",
            blocks: [0, 0],
            graph: "front.onnx",
            inputs: same("latents", "timestep"),
            outputs: { hidden_0: "hidden", ...same("temb", "modulated_input") },
            flops: { tokens: 2 },
          },
          ...Array.from({ length: blocks }, (_, i) => ({
            id: `block_${i}`,
            blocks: [i, i + 1],
            graph: `block_${i}.onnx`,
            inputs: { [`hidden_${i}`]: "hidden", ...same("temb", "context") },
            outputs: { [`hidden_${i + 1}`]: "hidden" },
            flops: { tokens: 10, tokens_squared: 1 },
          })),
          {
            id: "head",
            blocks: [blocks, blocks],
            graph: "head.onnx",
            inputs: { [`hidden_${blocks}`]: "hidden", ...same("temb") },
            outputs: same("velocity"),
            flops: { tokens: 2 },
          },
        ],
        signals: { timestep_embedding: "temb", modulated_input: "modulated_input" },
      },
    ],
    decoder: {
      first: {
        graph: "decoder_first.onnx",
        inputs: { call: "latents" },
        outputs: { first_frames: "frames", state: "state" },
        flops: 1,
      },
      next: {
        graph: "decoder_next.onnx",
        inputs: { call: "latents", before: "state" },
        outputs: { next_frames: "frames", state: "state" },
        flops: 1,
      },
      pixel_range: [-1, 1],
    },
    files: Object.fromEntries(
      Object.entries(files).map(([name, bytes]) => [
        name,
        { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") },
      ]),
    ),
  });
}
