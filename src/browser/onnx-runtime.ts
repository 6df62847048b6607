/** ONNX Runtime in a browser: the only place that imports onnxruntime-web. */

import type { InferenceSession } from "onnxruntime-common";
import type { Bundle } from "../engine/bundle/read.ts";
import type { BackendCapabilities } from "../engine/segments/contract.ts";
import type { OnnxRuntime } from "../engine/segments/onnx.ts";
import { MixcacheError } from "../errors.ts";
import { adapterName, findAdapter, hasJspi } from "./adapter.ts";

/** Where a page's inference runs. */
export type WebDevice = "webgpu" | "wasm";

export interface OnnxWebOptions {
  readonly device: "auto" | WebDevice;
  /** Folder of ONNX Runtime's .wasm files, with a slash at its end. */
  readonly runtime?: URL;
  /** Called once where the device is of no use any more. */
  readonly onLost: (error: MixcacheError) => void;
}

export interface OpenedOnnxWeb {
  readonly runtime: OnnxRuntime;
  readonly device: WebDevice;
  readonly adapter?: string;
  readonly notices: readonly string[];
}

/** One build of ONNX Runtime, and its WebAssembly file. */
interface Build {
  readonly load: () => Promise<typeof import("onnxruntime-common")>;
  readonly wasm: string;
}

const BUILDS = {
  /** Suspends WebAssembly by the browser's own means: 10 MB smaller than the one that was rewritten for it. */
  jspi: { load: () => import("onnxruntime-web/jspi"), wasm: "ort-wasm-simd-threaded.jspi.wasm" },
  webgpu: { load: () => import("onnxruntime-web/webgpu"), wasm: "ort-wasm-simd-threaded.asyncify.wasm" },
  wasm: { load: () => import("onnxruntime-web/wasm"), wasm: "ort-wasm-simd-threaded.wasm" },
} as const satisfies Record<string, Build>;

const NO_WEBGPU =
  "This browser gives no WebGPU adapter, so the model runs on the processor, in WebAssembly and on one thread: many " +
  "times slower. Use a browser with WebGPU, and a machine whose graphics driver it accepts.";

/**
 * Opens ONNX Runtime for the graphs of a bundle.
 * @throws MixcacheError `engine_unavailable` where WebGPU is asked for and there is none
 */
export async function openOnnxWeb(
  bundle: Bundle,
  { device: asked, runtime: folder, onLost }: OnnxWebOptions,
): Promise<OpenedOnnxWeb> {
  const adapter = asked === "wasm" ? undefined : await findAdapter();
  if (asked === "webgpu" && !adapter) {
    throw new MixcacheError(
      "engine_unavailable",
      'This browser gives no WebGPU adapter. Leave device out, or set it to "wasm", to run on the processor.',
    );
  }
  const device: WebDevice = adapter ? "webgpu" : "wasm";
  const build: Build = adapter ? BUILDS[hasJspi() ? "jspi" : "webgpu"] : BUILDS.wasm;
  const ort = await build.load();
  ort.env.wasm.numThreads = 1;
  if (folder) ort.env.wasm.wasmPaths = { wasm: new URL(build.wasm, folder) };
  const watched = device === "webgpu" && (() => watchDevice(ort.env.webgpu.device, onLost));
  const create = oneByOne(async (model: Uint8Array, options: InferenceSession.SessionOptions) => {
    const session = await ort.InferenceSession.create(model, { ...sessionOptions(device), ...options });
    if (watched) await watched();
    return withTurns(session);
  });
  const runtime: OnnxRuntime = {
    capabilities: capabilities(device, adapter),
    createSession: async (graph) => create(await graphBytes(bundle, graph), await weightsOf(bundle, graph)),
    ...(adapter && {
      createGlue: (model: Uint8Array, outputs: "cpu" | "gpu-buffer") =>
        create(model, { preferredOutputLocation: outputs }),
    }),
  };
  const isFallback = asked === "auto" && !adapter;
  return {
    runtime,
    device,
    ...(adapter && { adapter: adapterName(adapter) }),
    notices: isFallback ? [NO_WEBGPU] : [],
  };
}

function capabilities(device: WebDevice, adapter: GPUAdapter | undefined): BackendCapabilities {
  const float16 = !adapter || adapter.features.has("shader-f16");
  return {
    name: "onnx",
    device: device === "webgpu" ? "webgpu" : "cpu",
    dtypes: ["float32", ...(float16 ? (["float16"] as const) : []), "int64"],
    cuts: true,
    modules: true,
  };
}

/**
 * On a GPU, results stay there: what comes back is read on purpose. Convolutions keep the graphs' own layout: with
 * channels last, which is the default, ONNX Runtime 1.30 computes some of them wrong (microsoft/onnxruntime#29651 is
 * likely the same), the first one of the embedded decoder among them.
 */
function sessionOptions(device: WebDevice): InferenceSession.SessionOptions {
  return {
    executionProviders: [device === "webgpu" ? { name: device, preferredLayout: "NCHW" } : device],
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    ...(device === "webgpu" && { preferredOutputLocation: "gpu-buffer" }),
  };
}

async function graphBytes({ files }: Bundle, path: string): Promise<Uint8Array> {
  const bytes = await files.read(path);
  if (bytes) return bytes;
  throw new MixcacheError(
    "bundle_file_missing",
    `The bundle in ${files.location} lacks the file ${path}. Copy the bundle again.`,
  );
}

/** The graph's external data, by the paths that it has in the graph: relative to the graph's folder. */
async function weightsOf(bundle: Bundle, graph: string): Promise<InferenceSession.SessionOptions> {
  const folder = graph.slice(0, graph.lastIndexOf("/") + 1);
  const weights = bundle.manifest.files[graph]?.weights ?? [];
  const externalData = [];
  for (const file of weights) {
    const path = file.startsWith(folder) ? file.slice(folder.length) : file;
    externalData.push({ path, data: await graphBytes(bundle, file) });
  }
  return { externalData };
}

const watchedDevices = new WeakSet<GPUDevice>();

/** A device ends when its driver crashes or is updated, the GPU process dies, or the system takes it away. */
async function watchDevice(
  opened: Promise<GPUDevice>,
  onLost: (error: MixcacheError) => void,
): Promise<void> {
  const device = await opened;
  if (watchedDevices.has(device)) return;
  watchedDevices.add(device);
  void device.lost.then(({ reason, message }) =>
    onLost(
      new MixcacheError(
        "engine_crashed",
        `The browser took the graphics device away (${message || reason}). Open the engine again; the model's files are kept.`,
      ),
    ),
  );
  device.addEventListener("uncapturederror", ({ error }) => {
    if (error instanceof GPUOutOfMemoryError) onLost(outOfMemoryHere(error));
  });
}

/** What is said where a page has no memory left, on the graphics device or in WebAssembly. */
export function outOfMemoryHere(cause: unknown): MixcacheError {
  return new MixcacheError(
    "engine_out_of_memory",
    "The engine ran out of memory. Close other tabs, or ask for a smaller or shorter video, and open the engine again.",
    { cause },
  );
}

/** ONNX Runtime can create one session on WebGPU at a time. */
function oneByOne<A extends unknown[], T>(work: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (...args) => {
    const next = last.then(() => work(...args));
    last = next.catch(() => undefined);
    return next;
  };
}

/** A run may go from its first operator to its last without a turn of the event loop: here an abort can arrive. */
function withTurns(session: InferenceSession): InferenceSession {
  const run = session.run.bind(session) as (...args: unknown[]) => Promise<InferenceSession.ReturnType>;
  const runAfterTurn = async (...args: unknown[]) => {
    await turn();
    return run(...args);
  };
  return Object.assign(session, { run: runAfterTurn });
}

/** A timer would take 4 ms. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
