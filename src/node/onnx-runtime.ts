/**
 * ONNX Runtime in Node: the only place that imports onnxruntime-node.
 *
 * Its `run()` blocks the event loop, so servers and the command line use it through the engine child
 * (`engine-child.ts`); tests and benchmarks may use it directly.
 */

import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { InferenceSession } from "onnxruntime-common";
import type { BackendCapabilities } from "../engine/segments/contract.ts";
import type { OnnxRuntime } from "../engine/segments/onnx.ts";
import { MixcacheError } from "../errors.ts";
import type { FolderFiles } from "./bundle-folder.ts";
import { openWebGpu } from "./onnx-webgpu.ts";

export interface OnnxNodeOptions {
  /** Threads within an operator; the same number gives the same bits. */
  readonly threads: number;
  readonly device?: "cpu" | "cuda" | "webgpu";
  /**
   * On WebGPU: the graphs that must run there as a whole. For operators without a WebGPU kernel ONNX Runtime takes the
   * CPU in silence and moves tensors to and fro; a session of these graphs is refused instead. Default: none.
   */
  readonly wholly?: (graph: string) => boolean;
}

/** Opens ONNX Runtime on a device for the graphs of a bundle in a folder. */
export async function openOnnxNode(files: FolderFiles, options: OnnxNodeOptions): Promise<OnnxRuntime> {
  const { InferenceSession, listSupportedBackends } = await importRuntime();
  const device = options.device ?? "cpu";
  // An unknown provider is dropped with a warning and the work done on the CPU: refuse instead.
  const available = listSupportedBackends().filter(({ name, bundled }) => bundled || isInstalled(name));
  if (!available.some(({ name }) => name === device)) {
    throw new MixcacheError(
      "engine_unavailable",
      `ONNX Runtime can't use ${device} on this machine; it can use ${available.map(({ name }) => name).join(", ")}. ` +
        "Choose one of these, or install the provider.",
    );
  }
  const capabilities: BackendCapabilities = {
    name: "onnx",
    device,
    dtypes: ["float32", "float16", "int64"],
    cuts: true,
    modules: true,
  };
  const session: InferenceSession.SessionOptions = {
    executionProviders: [device],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    // Each session owns a thread pool; idle threads that spin slow partitioned graphs down several times.
    extra: { session: { "intra_op.allow_spinning": "0" } },
  };
  if (device === "webgpu") {
    const { wholly = () => false } = options;
    return openWebGpu({ files, capabilities, session, wholly, factory: InferenceSession });
  }
  return { capabilities, createSession: (graph) => InferenceSession.create(files.pathOf(graph), session) };
}

/** The version of ONNX Runtime: another one may give other last bits. */
export function onnxVersion(): string {
  const { version }: { version: string } = createRequire(import.meta.url)("onnxruntime-node/package.json");
  return version;
}

/** A provider that does not come with the package has a library of its own beside the others. */
function isInstalled(provider: string): boolean {
  const root = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  const libraries = readdirSync(path.join(root, "bin"), { recursive: true, encoding: "utf8" });
  const place = path.join(process.platform, process.arch);
  return libraries.some((file) => file.includes(place) && file.includes(`onnxruntime_providers_${provider}`));
}

async function importRuntime() {
  // Read by the library when it is loaded: without it a device id is written to the home folder and sent away.
  process.env.ORT_DISABLE_TELEMETRY = "1";
  return import("onnxruntime-node");
}
