/** The backend that an engine's options ask for. */

import { cpus } from "node:os";
import type { Manifest } from "../engine/bundle/manifest.ts";
import type { SegmentBackend } from "../engine/segments/contract.ts";
import { OnnxBackend } from "../engine/segments/onnx.ts";
import { TorchBackend } from "../engine/segments/torch.ts";
import { invalid } from "../errors.ts";
import type { FolderFiles } from "./bundle-folder.ts";
import { onnxVersion, openOnnxNode } from "./onnx-runtime.ts";
import type { EngineOptions } from "./protocol.ts";
import { torchWorker } from "./torch-worker.ts";

export interface OpenedBackend {
  readonly backend: SegmentBackend;
  readonly device: string;
  /** Versions, precision and kernels, for people. */
  readonly details?: string;
  /** Everything that the last bits of its numbers depend on, besides the bundle. */
  readonly numerics: string;
}

/**
 * Opens ONNX Runtime, or starts a torch worker where the options have one.
 * @param signOfLife called whenever a part was loaded
 * @throws MixcacheError `engine_unavailable`, `bundle_unsupported`, `invalid_argument` or what the worker says
 */
export async function openBackend(
  manifest: Manifest,
  files: FolderFiles,
  options: EngineOptions,
  signOfLife: () => void = () => {},
): Promise<OpenedBackend> {
  const { torch, threads, variant, device } = options;
  if (torch) {
    if (variant !== undefined)
      invalid("variant", `Variants are for the onnx engine; the torch engine's precision is TORCH_DTYPE.`);
    const backend = new TorchBackend(manifest, torchWorker(torch, threads, torch.watch), signOfLife);
    try {
      const { device, torch: version, device_name, dtype, attention } = await backend.about();
      const details = `torch ${version}, ${device_name}, ${dtype}, attention ${attention.join(" > ")}`;
      const numerics = ["torch", details, device, torch.compile ?? false, threads, ...machine()].join();
      return { backend, device, details, numerics };
    } catch (error) {
      await backend.dispose();
      throw error;
    }
  }
  // Token ids are 64-bit integers, which WebGPU lacks; encoders run once per prompt, and decoders once per video.
  const wholly = denoiserGraphs(manifest, variant);
  const runtime = await openOnnxNode(files, {
    threads,
    wholly: (graph) => wholly.has(graph),
    ...(device && { device }),
  });
  const createSession = (graph: string) => runtime.createSession(graph).finally(signOfLife);
  const backend = new OnnxBackend(manifest, { ...runtime, createSession }, variant);
  const numerics = [
    "onnx",
    onnxVersion(),
    runtime.capabilities.device,
    variant,
    threads,
    ...machine(),
  ].join();
  return { backend, device: runtime.capabilities.device, numerics };
}

/** The graphs of every step. */
function denoiserGraphs({ denoisers, variants }: Manifest, variant: string | undefined): ReadonlySet<string> {
  const replaces = variants.find(({ id }) => id === variant)?.replaces ?? {};
  const parts = denoisers.flatMap(({ segments, modules }) => [
    ...segments,
    ...modules.flatMap(({ compute, apply }) => [compute, apply]),
  ]);
  return new Set(parts.map(({ graph }) => replaces[graph] ?? graph));
}

/** Kernels are chosen by the kind of processor. */
function machine(): string[] {
  return [process.arch, cpus()[0]?.model ?? ""];
}
