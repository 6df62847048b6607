/** A video that was made in this browser, with all that belongs to it. */

import type { RgbFrames } from "../../engine/frames.ts";
import type { TraceFile } from "../../engine/trace-schema.ts";
import type { MadeVideo } from "../generate/made-video.ts";

export interface StoredVideo {
  readonly video: MadeVideo;
  readonly trace: TraceFile;
  /** As the decoder gave them, so that comparisons see no codec. */
  readonly frames: RgbFrames;
  /** Undefined where this browser could not write one. */
  readonly file: Blob | undefined;
}
