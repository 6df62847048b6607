/**
 * Denoising steps of the engine itself on a torch worker with random weights. bench/gpu/main.py starts it:
 *
 *     node bench/gpu/engine.ts <folder with model.json> <worker command as JSON> <steps> <steps that do not count> <text tokens>
 *
 * Prints one line of JSON.
 */

import path from "node:path";
import type { DenoiserManifest } from "../../src/engine/bundle/manifest.ts";
import { readBundle } from "../../src/engine/bundle/read.ts";
import { off } from "../../src/engine/cache/off.ts";
import { denoise } from "../../src/engine/denoise.ts";
import { branchesOfRun } from "../../src/engine/denoisers.ts";
import { randn } from "../../src/engine/random.ts";
import type { State, TensorHandle } from "../../src/engine/segments/contract.ts";
import { resolveSettings } from "../../src/engine/settings.ts";
import { latentDims } from "../../src/engine/shape.ts";
import { messageOf } from "../../src/errors.ts";
import { FolderFiles, TorchBackend, torchWorker } from "../../src/node/index.ts";
import { median } from "../engine/stats.ts";

async function main(): Promise<void> {
  const [folder = "", command = "[]", steps = "2", warmUp = "1", text = "512"] = process.argv.slice(2);
  const bundle = await readBundle(new FolderFiles(path.resolve(folder)));
  const { manifest } = bundle;
  const [denoiser] = manifest.denoisers;
  if (!denoiser) throw new Error("the manifest has no denoiser");
  const watch = { command: JSON.parse(command) as string[] };
  const backend = new TorchBackend(manifest, torchWorker({ python: "", weights: folder }, 0, watch));
  try {
    await backend.load([{ kind: "segments", denoiser: denoiser.id, from: 0, to: denoiser.segments.length }]);
    const settings = resolveSettings(manifest, {
      prompt: "random",
      seed: 7,
      num_inference_steps: Number(steps),
    });
    const conditioning: Record<string, State> = {};
    for (const branch of branchesOfRun(manifest, settings)) {
      conditioning[branch] = await promptValues(backend, denoiser, Number(text));
    }
    const noise = randn(settings.seed, latentDims(manifest, settings.shape));
    const { latents, steps: trace } = await denoise(bundle, backend, off, settings, conditioning, noise, {});
    const counted = trace.slice(Number(warmUp));
    const seconds = counted.map(({ durationMs }) => durationMs / 1000);
    const device = counted.map(({ branches }) =>
      branches.flatMap(({ graphs }) => graphs).reduce((sum, graph) => sum + graph.durationMs / 1000, 0),
    );
    const stats = await backend.stats();
    const told = {
      step_seconds: seconds,
      device_seconds: device,
      median_seconds: median(seconds),
      outside_share: 1 - median(device.map((d, i) => d / (seconds[i] ?? Number.NaN))),
      device_peak_bytes: stats.device_peak_bytes,
      resident_bytes: stats.resident_bytes,
      finite: latents.every(Number.isFinite),
    };
    process.stdout.write(`${JSON.stringify(told)}\n`);
  } finally {
    await backend.dispose();
  }
}

/** Noise instead of a text: what the denoiser reads of a prompt and no prompt graph makes. */
async function promptValues(backend: TorchBackend, denoiser: DenoiserManifest, text: number): Promise<State> {
  const made = new Set(denoiser.prompt_graphs.flatMap(({ outputs }) => Object.values(outputs)));
  const state: Record<string, TensorHandle> = {};
  for (const [name, { kind, dims }] of Object.entries(denoiser.values)) {
    if (kind !== "prompt" || made.has(name)) continue;
    const sizes = dims.map((size) => (typeof size === "number" ? size : text));
    state[name] = await backend.upload({ dtype: "float32", dims: sizes, data: randn(1, sizes) });
  }
  return state;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench/gpu: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
