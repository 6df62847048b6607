/** A small well-formed manifest, with files that are only names: for tests of reading, not of running. */

import { createHash } from "node:crypto";
import type { BundleFiles, FileDigest } from "../../src/engine/bundle/files.ts";
import { type Manifest, manifestSchema } from "../../src/engine/bundle/manifest.ts";

export class MemoryFiles implements BundleFiles {
  readonly location = "memory";
  readonly contents: Map<string, Uint8Array>;

  constructor(texts: Readonly<Record<string, string>>) {
    this.contents = new Map(
      Object.entries(texts).map(([path, text]) => [path, new TextEncoder().encode(text)]),
    );
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.contents.get(path);
  }

  async digest(path: string): Promise<FileDigest | undefined> {
    const bytes = this.contents.get(path);
    return bytes && { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  }
}

const GRAPHS = ["text.onnx", "front.onnx", "block.onnx", "head.onnx", "decoder.onnx"];

/** Two blocks of one stream, guidance by two branches. */
export function toyManifest(): Manifest {
  const same = (...names: string[]) => Object.fromEntries(names.map((name) => [name, name]));
  const digest = (path: string): FileDigest => {
    const bytes = new TextEncoder().encode(path);
    return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  };
  const paths = [...GRAPHS, "weights.bin", "tokenizer.json"];
  const hidden = same("hidden");
  return manifestSchema.parse({
    format: "mixcache.bundle/1",
    id: "toy",
    title: "Toy",
    license: "Apache-2.0",
    family: "toy",
    video: {
      default: { width: 32, height: 16, frames: 9, fps: 8 },
      width: { min: 16, max: 64, multiple: 16 },
      height: { min: 16, max: 64, multiple: 16 },
      frames: { min: 1, max: 17, multiple: 4, offset: 1 },
      max_tokens: 60,
    },
    latents: {
      channels: 2,
      compression: [4, 8, 8],
      first_frame_alone: true,
      patch: [1, 2, 2],
      mean: [0.5, -0.5],
      std: [2, 4],
    },
    text_encoders: [
      {
        id: "text",
        tokenizer: { kind: "words", file: "tokenizer.json" },
        max_tokens: 8,
        pad: "to_max",
        graph: "text.onnx",
        inputs: { ids: "input_ids" },
        outputs: { context: { value: "context", rule: "as_is" } },
        flops: { text: 10 },
      },
    ],
    denoisers: [
      {
        id: "main",
        noise_levels: [0, 1],
        guidance: { kind: "cfg", default_scale: 5 },
        values: {
          latents: { kind: "latents", dims: [1, 2, "f", "h", "w"] },
          timestep: { kind: "step", dims: [1], provided: { make: "timestep" } },
          hidden: { kind: "stream", dims: [1, "tokens", 4] },
          temb: { kind: "step", dims: [1, 4] },
          context: { kind: "prompt", dims: [1, 8, 4] },
          velocity: { kind: "output", dims: [1, 2, "f", "h", "w"] },
        },
        segments: [
          {
            id: "front",
            blocks: [0, 0],
            graph: "front.onnx",
            inputs: same("latents", "timestep"),
            outputs: same("hidden", "temb"),
            flops: { tokens: 2 },
          },
          {
            id: "block_0",
            blocks: [0, 1],
            graph: "block.onnx",
            inputs: same("hidden", "temb", "context"),
            outputs: hidden,
            flops: { tokens: 10, tokens_squared: 1 },
          },
          {
            id: "block_1",
            blocks: [1, 2],
            graph: "block.onnx",
            inputs: same("hidden", "temb", "context"),
            outputs: hidden,
            flops: { tokens: 10, tokens_squared: 1 },
          },
          {
            id: "head",
            blocks: [2, 2],
            graph: "head.onnx",
            inputs: same("hidden", "temb"),
            outputs: same("velocity"),
            flops: { tokens: 2 },
          },
        ],
        distance_stream: "hidden",
        signals: { timestep_embedding: "temb" },
      },
    ],
    schedulers: [{ kind: "flow_match_euler", shift: 3 }],
    default_steps: 10,
    decoder: {
      first: {
        graph: "decoder.onnx",
        inputs: same("latents"),
        outputs: same("frames", "state"),
        frames: 1,
        flops: 1,
      },
      next: {
        graph: "decoder.onnx",
        inputs: same("latents", "state"),
        outputs: same("frames", "state"),
        frames: 4,
        flops: 1,
      },
      pixel_range: [-1, 1],
    },
    files: Object.fromEntries(
      paths.map((path) => [
        path,
        { ...digest(path), ...(path === "block.onnx" && { weights: ["weights.bin"] }) },
      ]),
    ),
  });
}

export function toyBundle(): { manifest: Manifest; files: MemoryFiles } {
  const manifest = toyManifest();
  const texts = Object.fromEntries(Object.keys(manifest.files).map((path) => [path, path]));
  return { manifest, files: new MemoryFiles({ ...texts, "model.json": JSON.stringify(manifest) }) };
}
