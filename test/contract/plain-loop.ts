/**
 * A denoising loop of a few lines that knows nothing of policies, schedulers or the pipeline: what the real one is
 * compared with.
 */

import type { Bundle } from "../../src/engine/bundle/read.ts";
import { provide } from "../../src/engine/provided.ts";
import type { State, TensorHandle, Work } from "../../src/engine/segments/contract.ts";
import type { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { videoShape } from "../../src/engine/shape.ts";

/** Euler steps over the segments, or over the unpartitioned graph, with guidance by two runs. */
export async function plainLoop(
  bundle: Bundle,
  backend: OnnxBackend,
  prompts: { readonly cond: State; readonly uncond: State },
  noise: Float32Array,
  sigmas: readonly number[],
  guidance: number,
  model: "segments" | "whole",
): Promise<Float32Array> {
  const { denoisers, video } = bundle.manifest;
  const denoiser = denoisers[0];
  if (!denoiser) throw new Error("no denoiser");
  const shape = videoShape(bundle.manifest, video.default.width, video.default.height, video.default.frames);
  const work: Work =
    model === "segments"
      ? { kind: "segments", denoiser: denoiser.id, from: 0, to: denoiser.segments.length }
      : { kind: "graph", graph: "whole.onnx", ...wholeBindings() };
  let x = noise;
  for (let i = 0; i + 1 < sigmas.length; i++) {
    const sigma = sigmas[i] ?? 0;
    const inputs: Record<string, TensorHandle> = {
      latents: await backend.upload({
        dtype: "float32",
        dims: denoiser.values.latents?.dims as number[],
        data: x,
      }),
    };
    for (const [name, { provided }] of Object.entries(denoiser.values)) {
      const numbers = { sigma, timestep: sigma * 1000, guidanceScale: guidance };
      if (provided) inputs[name] = await backend.upload(provide(provided, shape, numbers));
    }
    const velocity = async (prompt: State) => {
      const { velocity: handle } = await backend.run(work, { ...inputs, ...prompt });
      if (!handle) throw new Error("no velocity");
      return (await backend.read(handle)).data as Float32Array;
    };
    const c = await velocity(prompts.cond);
    const u = await velocity(prompts.uncond);
    const change = Math.fround((sigmas[i + 1] ?? 0) - sigma);
    const g = Math.fround(guidance);
    x = x.map((value, k) => {
      const guided = Math.fround((u[k] ?? 0) + Math.fround(g * Math.fround((c[k] ?? 0) - (u[k] ?? 0))));
      return value + Math.fround(change * guided);
    });
  }
  return x;
}

function wholeBindings() {
  const names = ["latents", "time_features", "sigma", "context", "pooled", "rope_cos", "rope_sin"];
  return { inputs: Object.fromEntries(names.map((name) => [name, name])), outputs: { velocity: "velocity" } };
}
