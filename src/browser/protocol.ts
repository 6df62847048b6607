/** What a page and its engine's worker say to each other. */

import type { Manifest } from "../engine/bundle/manifest.ts";
import type { RgbFrames } from "../engine/frames.ts";
import type { Progress } from "../engine/progress.ts";
import type { GenerateRequest, UsedSettings } from "../engine/settings.ts";
import type { RunTrace } from "../engine/trace.ts";
import type { WireError } from "../errors.ts";
import type { DownloadProgress } from "./bundle-files.ts";
import type { WebDevice } from "./onnx-runtime.ts";

/** How a worker opens its engine; addresses are absolute, folders end with a slash. */
export interface OpenMessage {
  readonly type: "open";
  readonly bundle: string;
  readonly profiles: string;
  readonly device: "auto" | WebDevice;
  readonly runtime?: string;
}

/** What a loaded engine says of itself. */
export interface WebEngineInfo {
  readonly manifest: Manifest;
  /** Digest of the bundle. */
  readonly digest: string;
  readonly device: WebDevice;
  /** What the browser tells of the graphics device. */
  readonly adapter?: string;
  /** What a person should know: that WebGPU is missing, that nothing could be kept. */
  readonly notices: readonly string[];
}

/** A finished video. */
export interface WebResult {
  readonly frames: RgbFrames;
  readonly trace: RunTrace;
  /** The settings that were used, defaults filled in. */
  readonly settings: UsedSettings;
  readonly notices: readonly string[];
}

export type ToWorker =
  | OpenMessage
  | {
      readonly type: "generate";
      readonly id: number;
      readonly request: GenerateRequest;
      readonly previewEvery?: number;
    }
  | { readonly type: "abort"; readonly id: number };

export type FromWorker =
  | { readonly type: "download"; readonly progress: DownloadProgress }
  | { readonly type: "opened"; readonly info: WebEngineInfo }
  | { readonly type: "progress"; readonly id: number; readonly progress: Progress }
  | { readonly type: "result"; readonly id: number; readonly result: WebResult }
  | { readonly type: "failed"; readonly id: number; readonly error: WireError }
  /** The engine can't go on. */
  | { readonly type: "lost"; readonly error: WireError };
