/** What the page needs of the engine for browsers, which is the room `browser` (`mixcache/web`). */

import type { Manifest } from "../../engine/bundle/manifest.ts";
import type { RgbFrames } from "../../engine/frames.ts";
import type { RunHooks } from "../../engine/progress.ts";
import type { GenerateRequest, UsedSettings } from "../../engine/settings.ts";
import type { RunTrace } from "../../engine/trace.ts";
import type { MixcacheError } from "../../errors.ts";

export interface EngineOptions {
  /** The folder that holds model.json. */
  readonly bundle: string | URL;
  readonly device?: "auto" | "webgpu" | "wasm";
  /** The folder with ONNX Runtime's .wasm files; default: where the bundler has put them. */
  readonly runtime?: string | URL;
  readonly onDownload?: (progress: {
    receivedBytes: number;
    totalBytes: number;
    cachedBytes: number;
  }) => void;
  readonly signal?: AbortSignal;
}

export interface WebEngine {
  readonly info: {
    readonly manifest: Manifest;
    readonly digest: string;
    readonly device: "webgpu" | "wasm";
    readonly adapter?: string;
    readonly notices: readonly string[];
  };
  generate(
    request: GenerateRequest,
    hooks?: Pick<RunHooks, "signal" | "onProgress" | "previewEvery">,
  ): Promise<{
    readonly frames: RgbFrames;
    readonly trace: RunTrace;
    readonly settings: UsedSettings;
    readonly notices: readonly string[];
  }>;
  /** Resolves when the device or the worker is gone. */
  readonly lost: Promise<MixcacheError>;
  close(): Promise<void>;
}

/** What the page uses of the module. */
export interface WebModule {
  openEngine(options: EngineOptions): Promise<WebEngine>;
  encodeVideo(frames: RgbFrames, options: { readonly fps: number }): Promise<Blob>;
}
