/** What a run tells while it goes. */

import type { RgbFrames } from "./frames.ts";

/** What a step was that is done. */
export interface FinishedStep {
  /** The policy's own word: full, step, cfg, block, … */
  readonly mode: string;
  readonly flops: number;
  /** FLOPs of the same step with nothing reused. */
  readonly fullFlops: number;
}

export type Progress =
  /** Before the text encoders, and again after them; `cached` where none of them had to run. */
  | { readonly phase: "text"; readonly cached?: boolean }
  /**
   * After each graph of a step, and once more with `finished` after the step; `fraction` is how much of the denoising
   * is done, 0 to 1.
   */
  | {
      readonly phase: "denoise";
      readonly step: number;
      readonly steps: number;
      readonly fraction: number;
      readonly finished?: FinishedStep;
    }
  /** After a step, where previews are wanted: one frame of the clean video that the model predicts there. */
  | {
      readonly phase: "preview";
      readonly step: number;
      readonly frame: RgbFrames;
      /** What it took to decode; no duration of the trace has it. */
      readonly durationMs: number;
    }
  | { readonly phase: "decode"; readonly fraction: number }
  /** Of a calibration: how much of one prompt is done, 0 to 1. */
  | { readonly phase: "measure"; readonly fraction: number };

export interface RunHooks {
  /** Stops the run before the next graph; it then rejects with the code `aborted`. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** A preview after every so many steps, up to 20 of a video; undefined or 0: none, and nothing is done for them. */
  readonly previewEvery?: number;
}
