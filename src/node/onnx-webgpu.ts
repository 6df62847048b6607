/** ONNX Runtime's WebGPU provider in Node: tensors stay on the GPU, and no operator is left to the CPU in silence. */

import { type InferenceSession, type InferenceSessionFactory, Tensor } from "onnxruntime-common";
import type { BackendCapabilities } from "../engine/segments/contract.ts";
import type { OnnxRuntime } from "../engine/segments/onnx.ts";
import { DeviceTensors } from "../engine/segments/onnx-device.ts";
import { MixcacheError, messageOf } from "../errors.ts";
import type { FolderFiles } from "./bundle-folder.ts";

type SessionOptions = InferenceSession.SessionOptions;

export interface WebGpuOptions {
  readonly files: FolderFiles;
  readonly factory: InferenceSessionFactory;
  /** As for any device. */
  readonly session: SessionOptions;
  readonly capabilities: BackendCapabilities;
  /** See `OnnxNodeOptions`. */
  readonly wholly: (graph: string) => boolean;
}

/** @throws MixcacheError `engine_unavailable` where there is no GPU */
export async function openWebGpu(options: WebGpuOptions): Promise<OnnxRuntime> {
  const { files, factory, capabilities, wholly } = options;
  // With channels last, the default, convolutions of nine channels give wrong numbers (microsoft/onnxruntime#29651).
  const gpu = { name: "webgpu", preferredLayout: "NCHW" } as const;
  const session: SessionOptions = { ...options.session, executionProviders: [gpu] };
  const onDevice: SessionOptions = { ...session, preferredOutputLocation: "gpu-buffer" };
  const strict = withoutCpu(session);
  const createGlue: NonNullable<OnnxRuntime["createGlue"]> = (model, outputs) =>
    factory.create(model, { ...strict, preferredOutputLocation: outputs });
  await refuseWithoutGpu(new DeviceTensors(createGlue));
  return {
    capabilities,
    createGlue,
    createSession: async (graph) => {
      const file = files.pathOf(graph);
      if (!wholly(graph)) return factory.create(file, onDevice);
      try {
        return await factory.create(file, { ...onDevice, ...strict });
      } catch (cause) {
        throw refusal(graph, cause);
      }
    },
  };
}

/** Sessions that can't be created where an operator has no kernel on the device; ONNX Runtime would log that, too. */
function withoutCpu(session: SessionOptions): SessionOptions {
  const entries = session.extra?.session as Readonly<Record<string, string>>;
  return {
    ...session,
    logSeverityLevel: 4,
    extra: { session: { ...entries, disable_cpu_ep_fallback: "1" } },
  };
}

function refusal(graph: string, cause: unknown): unknown {
  if (!/fallback to CPU EP has been explicitly disabled/.test(messageOf(cause))) return cause;
  return new MixcacheError(
    "bundle_unsupported",
    `The graph ${graph} has operators that ONNX Runtime can't run on WebGPU, often those that calculate with sizes. ` +
      "Export the bundle with fixed sizes, or set ONNX_DEVICE=cpu.",
    { cause },
  );
}

/** The provider comes with the package; whether there is a GPU shows only when something is run on it. */
async function refuseWithoutGpu(tensors: DeviceTensors): Promise<void> {
  try {
    const tensor = await tensors.upload(new Tensor("float32", Float32Array.of(0), [1]));
    tensor.dispose();
  } catch (cause) {
    if (!/adapter/i.test(messageOf(cause))) throw cause;
    throw new MixcacheError(
      "engine_unavailable",
      "ONNX Runtime can't use webgpu on this machine: it has no GPU with a Vulkan driver. " +
        "Install the driver and libvulkan1, or set ONNX_DEVICE=cpu.",
      { cause },
    );
  } finally {
    await tensors.dispose();
  }
}
