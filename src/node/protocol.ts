/** What an engine's parent and its child process say to each other. */

import type { Manifest } from "../engine/bundle/manifest.ts";
import type { MeasureOptions } from "../engine/calibration/measure.ts";
import type { Measured } from "../engine/calibration/measured.ts";
import type { RgbFrames } from "../engine/frames.ts";
import type { Progress } from "../engine/progress.ts";
import type { GenerateRequest, UsedSettings } from "../engine/settings.ts";
import type { RunTrace } from "../engine/trace.ts";
import type { WireError } from "../errors.ts";
import type { TorchOptions, TorchWatch } from "./torch-worker.ts";

/** How an engine is opened. */
export interface EngineOptions {
  /** Folder of the bundle. */
  readonly bundle: string;
  readonly threads: number;
  readonly device?: "cpu" | "cuda" | "webgpu";
  /** One of the bundle's variants: another precision or attention kernel. */
  readonly variant?: string;
  /** Keeps text embeddings in this folder, within this limit; without it they are made anew for every video. */
  readonly embeddings?: { readonly folder: string; readonly maxBytes: number };
  /** The parent may have embeddings of negative prompts that the folder lacks, and is told which are used. */
  readonly sharesNegatives?: boolean;
  /** Keeps one part of the model in memory at a time: slower, for models that do not fit otherwise. */
  readonly lowMemory?: boolean;
  /** Folder of the warm cache profiles made here; those that come along are known anyway. */
  readonly profiles?: string;
  /** Folder of the profiles that the parent fetched from an object store; those made here go first. */
  readonly fetchedProfiles?: string;
  /** A file that is used instead, if it fits the video; if not, the video goes without and a notice says why. */
  readonly profile?: string;
  /** Runs the bundle in a torch worker instead of ONNX Runtime. */
  readonly torch?: TorchOptions & { readonly watch?: TorchWatch };
}

export type ToChild =
  | { readonly type: "load"; readonly options: EngineOptions }
  | {
      readonly type: "generate";
      readonly id: number;
      readonly request: GenerateRequest;
      readonly previewEvery?: number;
    }
  | {
      readonly type: "measure";
      readonly id: number;
      readonly request: GenerateRequest;
      readonly options: MeasureOptions;
    }
  | { readonly type: "abort"; readonly id: number }
  /** Answers `negative_wanted`; without bytes, there are none. */
  | { readonly type: "negative"; readonly name: string; readonly bytes?: Uint8Array };

/** The embeddings of a negative prompt, by the bundle's digest and their name in the embeddings' folder. */
export interface NegativeName {
  readonly bundle: string;
  readonly name: string;
}

/** What a loaded engine says of itself. */
export interface EngineInfo {
  readonly manifest: Manifest;
  /** Digest of the bundle. */
  readonly digest: string;
  readonly backend: string;
  readonly device: string;
  /** Of the torch engine: versions, precision and kernels. */
  readonly details?: string;
  readonly threads: number;
  /** From the start of the process until the engine was ready. */
  readonly startMs: number;
}

/** A finished video as it leaves the engine. */
export interface EngineResult {
  readonly frames: RgbFrames;
  readonly trace: RunTrace;
  readonly notices: readonly string[];
  /** The settings that were used, defaults filled in. */
  readonly settings: UsedSettings;
  /** The child's largest resident set so far. */
  readonly peakMemoryBytes: number;
}

export type FromChild =
  /** A part of the bundle was checked or loaded: a sign of life. */
  | { readonly type: "loading" }
  | { readonly type: "loaded"; readonly info: EngineInfo }
  | { readonly type: "progress"; readonly id: number; readonly progress: Progress }
  | { readonly type: "result"; readonly id: number; readonly result: EngineResult }
  | { readonly type: "measured"; readonly id: number; readonly result: Measured }
  | { readonly type: "negative_wanted"; readonly of: NegativeName }
  /** It lies in the folder now. */
  | { readonly type: "negative_used"; readonly of: NegativeName }
  | { readonly type: "failed"; readonly id: number; readonly error: WireError }
  /** The engine can't go on; the child exits after this. */
  | { readonly type: "fatal"; readonly error: WireError };
