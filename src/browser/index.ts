/** What a page adds to the engine: `mixcache/web`. */

export * from "../engine/index.ts";
export type { DownloadProgress } from "./bundle-files.ts";
export { encodeVideo } from "./encode-video.ts";
export { type EngineOptions, type GenerateHooks, openEngine, type WebEngine } from "./engine.ts";
export type { WebDevice } from "./onnx-runtime.ts";
export type { WebEngineInfo, WebResult } from "./protocol.ts";
export { type WebSupport, webSupport } from "./web-support.ts";
