/** The engine, for any JavaScript runtime. */

export * from "../errors.ts";
export type { BundleFiles, FileDigest } from "./bundle/files.ts";
export { BUNDLE_FORMAT, type Manifest, manifestSchema } from "./bundle/manifest.ts";
export { type Bundle, readBundle } from "./bundle/read.ts";
export type * from "./cache/contract.ts";
export { off } from "./cache/off.ts";
export type * from "./embeddings.ts";
export type { RgbFrames } from "./frames.ts";
export { type GenerateResult, Pipeline, type PipelineOptions } from "./pipeline.ts";
export type { Progress, RunHooks } from "./progress.ts";
export { randn } from "./random.ts";
export type * from "./segments/contract.ts";
export { OnnxBackend, type OnnxRuntime } from "./segments/onnx.ts";
export { TorchBackend } from "./segments/torch.ts";
export type { TorchConnect, TorchListener, TorchTransport } from "./segments/torch-link.ts";
export type { GenerateRequest, Settings } from "./settings.ts";
export type * from "./trace.ts";
