/** The engine in a page: `mixcache/web`. What it is made of runs in its worker; here are types and errors of it. */

export type { Manifest } from "../engine/bundle/manifest.ts";
export type { RgbFrames } from "../engine/frames.ts";
export type { Progress } from "../engine/progress.ts";
export type { GenerateRequest, UsedSettings } from "../engine/settings.ts";
export type * from "../engine/trace.ts";
export { type ErrorCode, MixcacheError } from "../errors.ts";
export type { DownloadProgress } from "./bundle-files.ts";
export { encodeVideo } from "./encode-video.ts";
export { type EngineOptions, type GenerateHooks, openEngine, type WebEngine } from "./engine.ts";
export type { WebDevice } from "./onnx-runtime.ts";
export type { WebEngineInfo, WebResult } from "./protocol.ts";
export { type WebSupport, webSupport } from "./web-support.ts";
