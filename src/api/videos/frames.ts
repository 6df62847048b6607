/** Events in the form of the wire: `text/event-stream`. */

import type { QueuePlace, Standing, VideoEvent } from "../../jobs/index.ts";
import { unixSeconds } from "../present.ts";

/** A comment, so that nothing between here and the client takes the stream for dead. */
export const KEEP_ALIVE = ": keep-alive\n\n";

/** The first thing in a stream: how long a client waits before it comes again. */
export function greetingFrame(retryMs: number): string {
  return `retry: ${retryMs}\n\n`;
}

/** An event that is kept: with an id, which `Last-Event-ID` names. */
export function eventFrame(videoId: string, { sequence, type, attempt, at, data }: VideoEvent): string {
  const facts = type === "preview" ? previewOf(videoId, sequence, data) : data;
  const body = { video_id: videoId, attempt, created_at: unixSeconds(at), ...facts };
  return `id: ${sequence}\nevent: ${type}\ndata: ${JSON.stringify(body)}\n\n`;
}

/** Where the picture is, instead of its key in the store. */
function previewOf(videoId: string, sequence: number, { step }: VideoEvent["data"]) {
  return { step, url: `/v1/videos/${videoId}/previews/${sequence}` };
}

/** How far the video is: the latest counts, none is kept, so it has no id. */
export function progressFrame(
  videoId: string,
  { status, attempt, progress }: Standing,
  place: QueuePlace | undefined,
): string {
  const queued = { queue_position: place?.position ?? null, eta_seconds: place?.etaSeconds ?? null };
  const body = {
    video_id: videoId,
    attempt,
    status,
    progress: progress.percent,
    ...(status === "queued" ? queued : progress.detail),
  };
  return `event: progress\ndata: ${JSON.stringify(body)}\n\n`;
}
