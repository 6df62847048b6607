/** Tensors of the ONNX backend that stay on the device; arithmetic with them is small graphs, see `glue.ts`. */

import { type InferenceSession, Tensor } from "onnxruntime-common";
import { MixcacheError } from "../../errors.ts";
import type { HostData, Reduction } from "./contract.ts";
import {
  coefficientName,
  combineGraph,
  copyGraph,
  GLUE_OUTPUT,
  type GlueShape,
  reduceGraph,
  scalarOf,
  tensorName,
  termsOf,
} from "./glue.ts";
import { isTensor, onnxFault, type TensorPlace } from "./onnx-tensors.ts";

type CreateGlue = (model: Uint8Array, outputs: "cpu" | "gpu-buffer") => Promise<InferenceSession>;
type Feeds = Readonly<Record<string, Tensor>>;

/**
 * Float tensors in GPU buffers. Only `read` and the sums of `reduce` come back. Integers stay in the host's memory:
 * they are token ids, and WebGPU has no 64-bit ones.
 */
export class DeviceTensors implements TensorPlace {
  readonly #createGlue: CreateGlue;
  /** By what they compute, for which type and rank. */
  readonly #glue = new Map<string, Promise<InferenceSession>>();
  /** The end of the last task. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(createGlue: CreateGlue) {
    this.#createGlue = createGlue;
  }

  async upload(tensor: Tensor): Promise<Tensor> {
    if (tensor.type === "int64") return tensor;
    return this.#copy(tensor, "gpu-buffer");
  }

  async read(tensor: Tensor): Promise<HostData> {
    // Not by the tensor's own `getData`, which Node's binding lacks.
    const here = tensor.location === "cpu" ? tensor : await this.#copy(tensor, "cpu");
    return hostData(here);
  }

  async combine(coefficients: readonly number[], tensors: readonly Tensor[], name: string): Promise<Tensor> {
    const shape = shapeOf(tensors, name);
    const terms = termsOf(coefficients);
    const feeds: Record<string, Tensor> = {};
    for (const [i, tensor] of tensors.entries()) {
      feeds[tensorName(i)] = tensor;
      if (terms[i] === "c")
        feeds[coefficientName(i)] = new Tensor("float32", Float32Array.of(coefficients[i] ?? 0), []);
    }
    return this.#compute(`combine ${terms}`, shape, "gpu-buffer", feeds, () => combineGraph(terms, shape));
  }

  async reduce(kind: Reduction, a: Tensor, b: Tensor): Promise<number> {
    const shape = shapeOf([a, b], kind);
    const sums = await this.#compute(kind, shape, "cpu", { a, b }, () => reduceGraph(kind, shape));
    return scalarOf(kind, (await hostData(sums)) as Float32Array, a.dims);
  }

  run(
    session: InferenceSession,
    feeds: Feeds,
    outputs: readonly string[],
  ): Promise<InferenceSession.OnnxValueMapType> {
    return this.#inTurn(() => session.run(feeds, outputs));
  }

  async dispose(): Promise<void> {
    const sessions = [...this.#glue.values()];
    this.#glue.clear();
    for (const session of sessions) await (await session).release();
  }

  #copy(tensor: Tensor, to: "cpu" | "gpu-buffer"): Promise<Tensor> {
    const shape = shapeOf([tensor], "A tensor to copy");
    return this.#compute(`copy to ${to}`, shape, to, { [tensorName(0)]: tensor }, () => copyGraph(shape));
  }

  async #compute(
    what: string,
    { dtype, rank }: GlueShape,
    outputs: "cpu" | "gpu-buffer",
    feeds: Feeds,
    write: () => Uint8Array,
  ): Promise<Tensor> {
    const key = `${what} of ${dtype}, rank ${rank}`;
    try {
      let session = this.#glue.get(key);
      if (!session) {
        session = this.#inTurn(() => this.#createGlue(write(), outputs));
        this.#glue.set(key, session);
        session.catch(() => this.#glue.delete(key));
      }
      const made = (await this.run(await session, feeds, [GLUE_OUTPUT]))[GLUE_OUTPUT];
      if (isTensor(made)) return made;
    } catch (cause) {
      throw onnxFault(`The device failed at: ${key}`, cause);
    }
    throw new MixcacheError("engine_failed", `The device gave nothing for: ${key}.`);
  }

  /** One after the other: in a browser no session may run while another one does. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** What a graph for these tensors is written for. On the device other sizes would be broadcast in silence. */
function shapeOf(tensors: readonly Tensor[], name: string): GlueShape {
  const [first] = tensors;
  const dims = String(first?.dims);
  const odd = tensors.find((tensor) => tensor.type !== first?.type || String(tensor.dims) !== dims);
  if (odd) {
    throw new MixcacheError(
      "engine_failed",
      `${name}: ${first?.type} [${dims}] and ${odd.type} [${odd.dims}] don't go together.`,
    );
  }
  if (first?.type !== "float32" && first?.type !== "float16")
    throw new MixcacheError("engine_failed", `${name} is ${first?.type}; float32 or float16 is needed.`);
  return { dtype: first.type, rank: first.dims.length };
}

/** float16 as bit patterns, also where the platform has an array for it. */
async function hostData(tensor: Tensor): Promise<HostData> {
  const data = (await tensor.getData()) as HostData;
  if (tensor.type !== "float16" || data instanceof Uint16Array) return data;
  const { buffer, byteOffset, byteLength } = data;
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}
