/** What happens to a video, for whoever watches it. Plain data. */

import type { Progress, VideoStatus } from "./video-contract.ts";

/** Changes of a video's state, named as webhooks name them. */
export type StateEventType =
  | "video.queued"
  | "video.started"
  | "video.requeued"
  | "video.completed"
  | "video.failed"
  | "video.cancelled";

/** What a worker reports of its attempt: what the cache did in a step, a picture of how far the video is. */
export interface AttemptEvent {
  readonly type: "decision" | "preview";
  readonly data: Readonly<Record<string, unknown>>;
}

/** Events of an attempt, in order. `from` of them were reported before; the same ones again are not written twice. */
export interface AttemptEvents {
  readonly from: number;
  readonly events: readonly AttemptEvent[];
}

/** Something that happened to a video; kept for a week, or until the video is deleted. */
export interface VideoEvent {
  /** From 1 within the video; a larger one happened later. */
  readonly sequence: number;
  readonly type: StateEventType | AttemptEvent["type"];
  /** The attempt it belongs to; 0 before the first. */
  readonly attempt: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly at: Date;
}

/** How a video stands, for whoever watches it. */
export interface Standing {
  readonly status: VideoStatus;
  readonly lastEvent: number;
  readonly attempt: number;
  readonly progress: Progress;
}
