/** What makes videos for the page: a server, or the engine in this browser. */

import type { RgbFrames } from "../../engine/frames.ts";
import type { VideoRequest } from "../settings/draft.ts";
import type { StepFacts } from "../timeline/columns.ts";
import type { MadeVideo, Place } from "./made-video.ts";

/** What a video's making goes through, in order. */
export const PHASES = ["queued", "download", "text", "denoise", "decode", "encode"] as const;
export type Phase = (typeof PHASES)[number];

/** A picture of a video that is not done. */
export type Picture = Blob | RgbFrames;

/** What is told while a video is made. */
export type RunEvent =
  /** The video has an id from now on. */
  | { readonly is: "created"; readonly id: string }
  | { readonly is: "queued"; readonly position: number | undefined; readonly etaSeconds: number | undefined }
  /** An attempt begins: what an earlier one told is void. */
  | { readonly is: "started" }
  /** The model's files; `cachedBytes` of them were here already. */
  | {
      readonly is: "download";
      readonly receivedBytes: number;
      readonly totalBytes: number;
      readonly cachedBytes: number;
    }
  | {
      readonly is: "progress";
      readonly phase: Exclude<Phase, "queued" | "download">;
      /** Of the whole, 0 to 1. */
      readonly share: number;
      /** From 1. */
      readonly step?: number;
      readonly steps?: number;
      readonly secondsLeft?: number;
    }
  | { readonly is: "step"; readonly step: StepFacts }
  | { readonly is: "preview"; readonly index: number; readonly picture: Picture }
  /** Something that a person should know, in a sentence. */
  | { readonly is: "notice"; readonly sentence: string };

export type Tell = (event: RunEvent) => void;

export interface Generator {
  readonly place: Place;
  /**
   * Makes a video.
   * @param signal stops it
   * @throws MixcacheError `aborted` where it was stopped; otherwise a sentence that names the field and the fix
   */
  generate(request: VideoRequest, tell: Tell, signal: AbortSignal): Promise<MadeVideo>;
}
