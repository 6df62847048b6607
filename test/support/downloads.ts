/** Counts what comes back from a device: every tensor that a session gives in the host's memory. */

import type { InferenceSession } from "onnxruntime-common";
import type { OnnxRuntime } from "../../src/engine/segments/onnx.ts";
import { isTensor } from "../../src/engine/segments/onnx-tensors.ts";

export interface Download {
  /** The graph of the bundle, or `glue` for arithmetic and reading. */
  readonly from: string;
  readonly dims: readonly number[];
  readonly bytes: number;
}

/** The same runtime, and a list to which each download is added. */
export function watchDownloads(runtime: OnnxRuntime): {
  readonly runtime: OnnxRuntime;
  readonly downloads: Download[];
} {
  const downloads: Download[] = [];
  const watch = async (session: Promise<InferenceSession>, from: string) =>
    watched(await session, (results) => {
      for (const tensor of Object.values(results).filter(isTensor))
        if (tensor.location === "cpu")
          downloads.push({ from, dims: tensor.dims, bytes: (tensor.data as Float32Array).byteLength });
    });
  const createGlue = runtime.createGlue?.bind(runtime);
  return {
    downloads,
    runtime: {
      capabilities: runtime.capabilities,
      createSession: (graph) => watch(runtime.createSession(graph), graph),
      ...(createGlue && { createGlue: (...of) => watch(createGlue(...of), "glue") }),
    },
  };
}

type Results = InferenceSession.OnnxValueMapType;

function watched(session: InferenceSession, look: (results: Results) => void): InferenceSession {
  const run = async (feeds: InferenceSession.FeedsType, outputs: readonly string[]) => {
    const results = await session.run(feeds, outputs);
    look(results);
    return results;
  };
  return new Proxy(session, {
    get: (target, key) => {
      if (key === "run") return run;
      const found = Reflect.get(target, key, target);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}
