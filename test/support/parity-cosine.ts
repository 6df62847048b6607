/** Half precision against the float32 reference: a graph's output must point the same way. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import type { SegmentBackend, State, TensorHandle, Work } from "../../src/engine/segments/contract.ts";
import { openParity, type References } from "./parity.ts";
import type { OpenBackend } from "./parity-suite.ts";

/** Of two tensors taken as vectors; NaN where the lengths differ or one of them is zero. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let [dot, normA, normB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? Number.NaN, b[i] ?? Number.NaN];
    dot += x * y;
    normA += x * x;
    normB += y * y;
  }
  return dot / Math.sqrt(normA * normB);
}

/** Describes one fixture's tests: each graph of the denoisers, fed with diffusers' own values in float32. */
export function describeCosine(name: string, openBackend: OpenBackend, least: number): void {
  const { about, tensor, files, open } = openParity(name);
  let bundle: Bundle;
  let backend: SegmentBackend;

  beforeAll(async () => {
    bundle = await open();
    backend = await openBackend(bundle, files);
  });

  afterAll(async () => {
    await backend.dispose();
  });

  const upload = async (references: References): Promise<State> => {
    const state: Record<string, TensorHandle> = {};
    for (const [value, reference] of Object.entries(references)) {
      state[value] = await backend.upload({ dtype: "float32", ...tensor(reference) });
    }
    return state;
  };

  describe.each(about.details)("denoiser $denoiser", (detail) => {
    it(`each graph's outputs have a cosine of at least ${least} with diffusers'`, async () => {
      const denoiser = bundle.manifest.denoisers.find(({ id }) => id === detail.denoiser);
      if (!denoiser) throw new Error(`${name} has no denoiser ${detail.denoiser}`);
      const prompt = denoiser.prompt_graphs.map((graph) => ({
        graph: graph.graph,
        work: { kind: "graph", ...graph } satisfies Work,
      }));
      const segments = denoiser.segments.map(({ graph }, from) => ({
        graph,
        work: { kind: "segments", denoiser: denoiser.id, from, to: from + 1 } satisfies Work,
      }));
      const inputs = { ...(await upload(detail.values)) };
      for (const { graph, work } of [...prompt, ...segments]) {
        const references = detail.outputs[graph.replace(/\.onnx$/, "")] ?? {};
        const outputs = await backend.run(work, inputs);
        for (const [value, reference] of Object.entries(references)) {
          const handle = outputs[value];
          if (!handle) throw new Error(`${graph} gives no ${value}`);
          const { data, dtype } = await backend.read(handle);
          expect(dtype, `${graph}: ${value}`).toBe("float32");
          const found = cosine(data as Float32Array, tensor(reference).data);
          expect(found, `${graph}: ${value}`).toBeGreaterThanOrEqual(least);
        }
        backend.release(outputs);
        Object.assign(inputs, await upload(references));
      }
    });
  });
}
