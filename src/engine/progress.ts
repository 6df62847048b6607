/** What a run tells while it goes. */

export type Progress =
  /** Before the text encoders, and again after them; `cached` where none of them had to run. */
  | { readonly phase: "text"; readonly cached?: boolean }
  /** After each graph of a step; `fraction` is how much of the denoising is done, 0 to 1. */
  | { readonly phase: "denoise"; readonly step: number; readonly steps: number; readonly fraction: number }
  | { readonly phase: "decode"; readonly fraction: number }
  /** Of a calibration: how much of one prompt is done, 0 to 1. */
  | { readonly phase: "measure"; readonly fraction: number };

export interface RunHooks {
  /** Stops the run before the next graph; it then rejects with the code `aborted`. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}
