/** One of two videos that are compared. */

import type { RgbFrames } from "../../engine/frames.ts";
import type { TraceFile } from "../../engine/trace-schema.ts";
import type { MadeVideo } from "../generate/made-video.ts";

/** A video with what a comparison needs of it. */
export interface Side {
  readonly video: MadeVideo;
  readonly frames: RgbFrames;
  /** Whether the frames are the engine's own, and not decoded from a file. */
  readonly exact: boolean;
  readonly trace: TraceFile | undefined;
}
