/**
 * A small video DiT, written as ONNX graphs: text encoder, front, blocks with attention on tokens and text, head, the
 * same as one graph, and a decoder with state. Weights are noise, sizes are fixed, and every operator has a kernel on
 * the CPU and on WebGPU.
 */

import { randn } from "../../src/engine/random.ts";
import type { HostTensor } from "../../src/engine/segments/contract.ts";
import { type OnnxNode, type OnnxValue, writeOnnx } from "../../src/engine/segments/onnx-writer.ts";

/** Sizes of everything. Latents are [1, channels, frames, rows, columns], patches 1 × 2 × 2. */
export interface ToySizes {
  readonly width: number;
  readonly blocks: number;
  readonly channels: number;
  readonly latent: readonly [frames: number, rows: number, columns: number];
  readonly words: number;
  readonly textTokens: number;
  /** Pixels along an edge of a latent pixel, and frames after the first per latent frame. */
  readonly scale: number;
  readonly framesPerLatent: number;
}

type Named = Readonly<Record<string, Uint8Array>>;

/** The graphs by file name, `whole.onnx` among them. */
export function toyGraphs(sizes: ToySizes): Named {
  const { blocks } = sizes;
  const values = valuesOf(sizes);
  const graph = (
    name: string,
    inputs: readonly string[],
    outputs: readonly string[],
    parts: readonly Part[],
  ) => {
    const made = new Parts(name, sizes);
    for (const part of parts) part(made);
    const pick = (names: readonly string[]) => names.map((each) => values(each));
    return writeOnnx({
      name,
      nodes: made.nodes,
      initializers: made.weights,
      inputs: pick(inputs),
      outputs: pick(outputs),
    });
  };
  const all = Array.from({ length: blocks }, (_, i) => i);
  const step = ["latents", "timestep"];
  return {
    "text.onnx": graph("text", ["ids"], ["context"], [text]),
    "front.onnx": graph("front", step, ["hidden_0", "temb", "modulated_input"], [front]),
    ...Object.fromEntries(
      all.map((i) => {
        const [input, output] = [`hidden_${i}`, `hidden_${i + 1}`];
        return [`block_${i}.onnx`, graph(`block_${i}`, [input, "temb", "context"], [output], [block(i)])];
      }),
    ),
    "head.onnx": graph("head", [`hidden_${blocks}`, "temb"], ["velocity"], [head]),
    "whole.onnx": graph(
      "whole",
      [...step, "context"],
      ["velocity"],
      [front, ...all.map((i) => block(i)), head],
    ),
    "decoder_first.onnx": graph("decoder_first", ["call"], ["first_frames", "state"], [decoderFirst]),
    "decoder_next.onnx": graph("decoder_next", ["call", "before"], ["next_frames", "state"], [decoderNext]),
  };
}

function valuesOf({ width, channels, latent, textTokens, scale, framesPerLatent }: ToySizes) {
  const [frames, rows, columns] = latent;
  const tokens = (frames * rows * columns) / 4;
  const call = [1, channels, 1, rows, columns];
  const video = (count: number) => [1, 3, count, rows * scale, columns * scale];
  const dims: Readonly<Record<string, readonly number[]>> = {
    ids: [1, textTokens],
    context: [1, textTokens, width],
    latents: [1, channels, ...latent],
    velocity: [1, channels, ...latent],
    timestep: [1],
    temb: [1, width],
    modulated_input: [1, tokens, width],
    call,
    before: call,
    state: call,
    first_frames: video(1),
    next_frames: video(framesPerLatent),
  };
  return (name: string): OnnxValue => ({
    name,
    dtype: name === "ids" ? "int64" : "float32",
    dims: name.startsWith("hidden") ? [1, tokens, width] : (dims[name] ?? []),
  });
}

/** Something that adds operators. */
type Part = (to: Parts) => void;

/** Collects operators and weights; methods give the name of what the new operator makes. */
class Parts {
  readonly nodes: OnnxNode[] = [];
  readonly weights: Record<string, HostTensor> = {};
  readonly sizes: ToySizes;
  readonly #graph: string;

  constructor(graph: string, sizes: ToySizes) {
    this.#graph = graph;
    this.sizes = sizes;
  }

  add(op: string, inputs: readonly string[], attributes?: OnnxNode["attributes"], made?: string): string {
    const output = made ?? `${this.#graph}/${this.nodes.length}`;
    this.nodes.push({ op, inputs, outputs: [output], ...(attributes && { attributes }) });
    return output;
  }

  /** Noise of a size that keeps products in size; the same name has the same numbers in every graph. */
  weight(name: string, dims: readonly number[], size = (dims[0] ?? 1) ** -0.5): string {
    const seed = [...name].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 1_000_003, 7);
    this.weights[name] = { dtype: "float32", dims, data: randn(seed, dims).map((x) => x * size) };
    return name;
  }

  constant(value: number): string {
    this.weights[`${value}`] = { dtype: "float32", dims: [], data: Float32Array.of(value) };
    return `${value}`;
  }

  linear(x: string, name: string, from: number, to: number): string {
    return this.add("MatMul", [x, this.weight(name, [from, to])]);
  }

  reshape(x: string, dims: readonly number[], made?: string): string {
    const name = `to ${dims.join(" ")}`;
    this.weights[name] = { dtype: "int64", dims: [dims.length], data: BigInt64Array.from(dims, BigInt) };
    return this.add("Reshape", [x, name], undefined, made);
  }

  transpose(x: string, perm: readonly number[]): string {
    return this.add("Transpose", [x], { perm });
  }

  /** LayerNorm, then a scale and a shift made of the time embedding. */
  modulated(x: string, name: string, made?: string): string {
    const { width } = this.sizes;
    this.weights.ones = { dtype: "float32", dims: [width], data: new Float32Array(width).fill(1) };
    const normal = this.add("LayerNormalization", [x, "ones"], { axis: -1, epsilon: { float: 1e-6 } });
    const scale = this.add("Add", [this.linear("temb", `${name}.scale`, width, width), this.constant(1)]);
    const shift = this.linear("temb", `${name}.shift`, width, width);
    return this.add("Add", [this.add("Mul", [normal, scale]), shift], undefined, made);
  }

  /** What tokens x take from `of`, by one head. */
  attention(x: string, of: string, name: string): string {
    const { width } = this.sizes;
    const [q, k, v] = [
      this.linear(x, `${name}.q`, width, width),
      ...["k", "v"].map((part) => this.linear(of, `${name}.${part}`, width, width)),
    ];
    const scores = this.add("MatMul", [q ?? "", this.transpose(k ?? "", [0, 2, 1])]);
    const shares = this.add("Softmax", [this.add("Mul", [scores, this.constant(width ** -0.5)])], {
      axis: -1,
    });
    return this.linear(this.add("MatMul", [shares, v ?? ""]), `${name}.out`, width, width);
  }

  /** x + y · half: residual branches of noise must not grow from block to block. */
  residual(x: string, y: string, made?: string): string {
    return this.add("Add", [x, this.add("Mul", [y, this.constant(0.5)])], undefined, made);
  }
}

const text: Part = (to) => {
  const { words, width } = to.sizes;
  to.add("Gather", [to.weight("words", [words, width], 1), "ids"], { axis: 0 }, "context");
};

const front: Part = (to) => {
  const { width, channels, latent } = to.sizes;
  const [frames, rows, columns] = latent;
  const time = to.reshape(to.add("Mul", ["timestep", to.constant(0.003)]), [1, 1]);
  const wave = to.add("Tanh", [
    to.add("Add", [to.linear(time, "time.in", 1, width), to.weight("time.bias", [width], 1)]),
  ]);
  to.add("MatMul", [wave, to.weight("time.out", [width, width])], undefined, "temb");
  const patches = to.reshape("latents", [channels, frames, rows / 2, 2, columns / 2, 2]);
  const tokens = to.reshape(to.transpose(patches, [1, 2, 4, 0, 3, 5]), [
    1,
    (frames * rows * columns) / 4,
    channels * 4,
  ]);
  const hidden = to.linear(tokens, "patch", channels * 4, width);
  to.add(
    "Add",
    [hidden, to.weight("positions", [(frames * rows * columns) / 4, width], 0.3)],
    undefined,
    "hidden_0",
  );
  to.modulated("hidden_0", "block_0.self", "modulated_input");
};

function block(i: number): Part {
  return (to) => {
    const { width } = to.sizes;
    const [name, hidden] = [`block_${i}`, `hidden_${i}`];
    const own = to.modulated(hidden, `${name}.self`);
    const attended = to.residual(hidden, to.attention(own, own, `${name}.self`));
    const told = to.residual(attended, to.attention(attended, "context", `${name}.cross`));
    const wide = to.linear(to.modulated(told, `${name}.ff`), `${name}.ff.in`, width, 2 * width);
    const active = to.add("Mul", [wide, to.add("Sigmoid", [wide])]);
    to.residual(told, to.linear(active, `${name}.ff.out`, 2 * width, width), `hidden_${i + 1}`);
  };
}

const head: Part = (to) => {
  const { width, channels, latent, blocks } = to.sizes;
  const [frames, rows, columns] = latent;
  const out = to.linear(to.modulated(`hidden_${blocks}`, "head"), "head.out", width, channels * 4);
  const patches = to.reshape(out, [frames, rows / 2, columns / 2, channels, 2, 2]);
  to.reshape(to.transpose(patches, [3, 0, 1, 4, 2, 5]), [1, channels, ...latent], "velocity");
};

/** Pixels of one latent frame, `count` frames of them. */
function pixels(to: Parts, latents: string, count: number, made: string): void {
  const { channels, latent, scale } = to.sizes;
  const [, rows, columns] = latent;
  const places = to.transpose(to.reshape(latents, [channels, rows * columns]), [1, 0]);
  const made3 = to.linear(places, `pixels.${count}`, channels, 3 * count * scale * scale);
  const grid = to.transpose(to.reshape(made3, [rows, columns, 3 * count, scale, scale]), [2, 0, 3, 1, 4]);
  to.add("Tanh", [to.reshape(grid, [1, 3, count, rows * scale, columns * scale])], undefined, made);
}

const decoderFirst: Part = (to) => {
  to.add("Tanh", ["call"], undefined, "state");
  pixels(to, "call", 1, "first_frames");
};

const decoderNext: Part = (to) => {
  const mixed = to.residual("call", "before");
  to.add("Tanh", [mixed], undefined, "state");
  pixels(to, mixed, to.sizes.framesPerLatent, "next_frames");
};
