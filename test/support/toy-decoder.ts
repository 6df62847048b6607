/** A backend that can only decode: every pixel depends on its latent, its place in the tile and the calls before. */

import type { Manifest } from "../../src/engine/bundle/manifest.ts";
import type { Block } from "../../src/engine/decode-tiles.ts";
import { latentRegion } from "../../src/engine/pixels.ts";
import type {
  BackendCapabilities,
  HostTensor,
  RunOptions,
  SegmentBackend,
  State,
  TensorHandle,
  Work,
} from "../../src/engine/segments/contract.ts";
import type { VideoShape } from "../../src/engine/shape.ts";
import type { Box } from "./tiled-reference.ts";

type Scale = readonly [frames: number, rows: number, columns: number];

/** What is wrong with a decoder's frames. */
export type Fault = "frames" | "size" | "none" | "dtype";

/** Frames of some latents [1, channels, frames, rows, columns], of which `before` frames of the same tile are done. */
function framesOf({ data, dims }: HostTensor, before: number, scale: Scale): Block {
  const [, , frames = 0, rows = 0, columns = 0] = dims;
  const [perFrame, perRow, perColumn] = scale;
  const alone = before === 0;
  const count = alone ? 1 + (frames - 1) * perFrame : frames * perFrame;
  const [height, width] = [rows * perRow, columns * perColumn];
  const pixels = new Float32Array(3 * count * height * width);
  let i = 0;
  for (let c = 0; c < 3; c++)
    for (let f = 0; f < count; f++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const latentFrame = alone ? Math.ceil(f / perFrame) : Math.floor(f / perFrame);
          const place =
            (((c % 2) * frames + latentFrame) * rows + Math.floor(y / perRow)) * columns +
            Math.floor(x / perColumn);
          const seam = 0.3 * Math.sin(0.7 * x + 1.3 * y + 0.9 * (before + latentFrame) + 0.4 * f);
          pixels[i++] = Number(data[place]) + seam;
        }
  return { data: pixels, dims: [3, count, height, width] };
}

/** What the toy makes of a stretch of a video's latents, call after call where it goes on in time. */
export function toyFrames(
  { bundle, shape, latents }: { bundle: { manifest: Manifest }; shape: VideoShape; latents: Float32Array },
  scale: Scale,
  [clip, rows, columns]: Box,
): Block {
  const step = bundle.manifest.decoder.next ? 1 : clip[1] - clip[0];
  const calls: Block[] = [];
  for (let from = clip[0]; from < clip[1]; from += step) {
    const region = latentRegion(bundle.manifest, shape, latents, [[from, from + step], rows, columns]);
    calls.push(framesOf(region, from - clip[0], scale));
  }
  const count = calls.reduce((sum, { dims }) => sum + dims[1], 0);
  const [height, width] = [(rows[1] - rows[0]) * scale[1], (columns[1] - columns[0]) * scale[2]];
  const data = new Float32Array(3 * count * height * width);
  for (let c = 0; c < 3; c++) {
    let at = c * count * height * width;
    for (const call of calls) {
      const size = call.dims[1] * height * width;
      data.set(call.data.subarray(c * size, (c + 1) * size), at);
      at += size;
    }
  }
  return { data, dims: [3, count, height, width] };
}

interface Handle extends TensorHandle {
  readonly tensor: HostTensor;
}

/** Counts what it holds; everything but decoding is refused. */
export class ToyDecoder implements SegmentBackend {
  readonly capabilities: BackendCapabilities = {
    name: "toy",
    device: "cpu",
    dtypes: ["float32"],
    cuts: false,
    modules: false,
  };
  readonly #scale: Scale;
  readonly #live = new Set<TensorHandle>();
  fault: Fault | undefined;
  /** The most tensors that were held at once. */
  mostHeld = 0;

  constructor(scale: Scale) {
    this.#scale = scale;
  }

  /** Tensors that have not been released. */
  get held(): number {
    return this.#live.size;
  }

  #hold(tensor: HostTensor): Handle {
    const handle = { dtype: tensor.dtype, dims: tensor.dims, tensor };
    this.#live.add(handle);
    this.mostHeld = Math.max(this.mostHeld, this.#live.size);
    return handle;
  }

  async run(work: Work, inputs: State, options: RunOptions = {}): Promise<State> {
    const { latents, state } = inputs as Readonly<Record<string, Handle>>;
    if (work.kind !== "graph" || !latents) throw new Error("the toy decodes only");
    const before = Number(state?.tensor.data[0] ?? 0);
    const { data, dims } = framesOf(latents.tensor, before, this.#scale);
    const [channels, count, height, width] = dims;
    const short = this.fault === "frames" && before > 0 ? 1 : 0;
    const tensor: HostTensor =
      this.fault === "dtype"
        ? { dtype: "int64", dims: [1, ...dims], data: BigInt64Array.of(0n) }
        : {
            dtype: "float32",
            dims: [
              1,
              channels,
              before > 1 ? count - short : count,
              height,
              this.fault === "size" ? width - 1 : width,
            ],
            data: data as Float32Array<ArrayBuffer>,
          };
    options.onGraph?.(work.graph, 1);
    const done = before + (latents.dims[2] ?? 0);
    const next = Object.values(work.outputs).includes("state")
      ? { state: this.#hold({ dtype: "float32", dims: [1], data: Float32Array.of(done) }) }
      : {};
    return { ...next, ...(this.fault !== "none" && { frames: this.#hold(tensor) }) };
  }

  async upload(tensor: HostTensor): Promise<TensorHandle> {
    return this.#hold(tensor);
  }

  async read(handle: TensorHandle): Promise<HostTensor> {
    if (!this.#live.has(handle)) throw new Error("the tensor was released");
    return (handle as Handle).tensor;
  }

  release(state: State): void {
    for (const [name, handle] of Object.entries(state))
      if (!this.#live.delete(handle)) throw new Error(`${name} was released twice`);
  }

  retain(): void {}
  bytesHeld(): number {
    return this.#live.size;
  }
  async load(): Promise<void> {}
  async unload(): Promise<void> {}
  async dispose(): Promise<void> {}
  async combine(): Promise<State> {
    throw new Error("the toy decodes only");
  }
  async reduce(): Promise<number> {
    throw new Error("the toy decodes only");
  }
}
