/** Where the ONNX backend's tensors are and what calculates with them there; here, in the host's memory. */

import { type InferenceSession, Tensor } from "onnxruntime-common";
import { MixcacheError, messageOf } from "../../errors.ts";
import { linearCombination, reduceHost } from "../host-math.ts";
import type { HostData, Reduction } from "./contract.ts";

/** Tensors in one place. Those that its methods give are new ones, for the caller to dispose of. */
export interface TensorPlace {
  upload(tensor: Tensor): Promise<Tensor>;
  read(tensor: Tensor): Promise<HostData>;
  /** Σ coefficients[i] · tensors[i]; the name is for messages. */
  combine(coefficients: readonly number[], tensors: readonly Tensor[], name: string): Promise<Tensor>;
  reduce(kind: Reduction, a: Tensor, b: Tensor): Promise<number>;
  /** Runs a session whose tensors are here. */
  run(
    session: InferenceSession,
    feeds: Readonly<Record<string, Tensor>>,
    outputs: readonly string[],
  ): Promise<InferenceSession.OnnxValueMapType>;
  dispose(): Promise<void>;
}

/** In TypeScript's memory: float64, rounded once to float32. */
export class HostTensors implements TensorPlace {
  async upload(tensor: Tensor): Promise<Tensor> {
    return tensor;
  }

  async read(tensor: Tensor): Promise<HostData> {
    return (await tensor.getData()) as HostData;
  }

  async combine(coefficients: readonly number[], tensors: readonly Tensor[], name: string): Promise<Tensor> {
    const data = tensors.map((tensor) => floats(tensor, name));
    return new Tensor("float32", linearCombination(coefficients, data), tensors[0]?.dims ?? []);
  }

  async reduce(kind: Reduction, a: Tensor, b: Tensor): Promise<number> {
    return reduceHost(kind, floats(a, "a"), floats(b, "b"), a.dims.at(-1) ?? 1);
  }

  run(
    session: InferenceSession,
    feeds: Readonly<Record<string, Tensor>>,
    outputs: readonly string[],
  ): Promise<InferenceSession.OnnxValueMapType> {
    return session.run(feeds, outputs);
  }

  async dispose(): Promise<void> {}
}

function floats(tensor: Tensor, name: string): Float32Array {
  if (tensor.location !== "cpu" || !(tensor.data instanceof Float32Array)) {
    throw new MixcacheError(
      "engine_failed",
      `${name} is ${tensor.type} on ${tensor.location}; float32 on cpu is needed.`,
    );
  }
  return tensor.data;
}

/** The error of a failed call; ONNX Runtime says "out of memory" in words only. */
export function onnxFault(what: string, cause: unknown): MixcacheError {
  if (cause instanceof MixcacheError) return cause;
  const text = messageOf(cause);
  const outOfMemory = /bad_alloc|out of memory|failed to allocate|allocation failed/i.test(text);
  return new MixcacheError(outOfMemory ? "engine_out_of_memory" : "engine_failed", `${what}: ${text}`, {
    cause,
  });
}

/** The runtime may bring its own copy of the Tensor class, so `instanceof` says nothing. */
export function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && "dims" in value && "location" in value;
}
