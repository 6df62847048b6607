/** What Node adds to the engine. */

export * from "../engine/index.ts";
export { FolderFiles } from "./bundle-folder.ts";
export { EMBEDDED_BUNDLE, EMBEDDED_PROFILES } from "./embedded.ts";
export { EmbeddingFolder, type EmbeddingFolderOptions } from "./embedding-cache.ts";
export { EngineChild, type EngineChildOptions, type EngineHooks } from "./engine-child.ts";
export { type OnnxNodeOptions, openOnnxNode } from "./onnx-runtime.ts";
export { type OpenedBackend, openBackend } from "./open-backend.ts";
export { type ProfilePlaces, profileFinder, profilePath, readProfileFile } from "./profiles.ts";
export type { EngineInfo, EngineOptions, EngineResult } from "./protocol.ts";
export { type TorchOptions, type TorchWatch, torchWorker } from "./torch-worker.ts";
