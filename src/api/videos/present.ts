/** A video's row as the API shows it. */

import type { QueuePlace, VideoRow } from "../../jobs/index.ts";
import type { VideoObject } from "../../schemas/video.ts";
import { decimal, orNull, unitPrice, unixSeconds } from "../present.ts";

const FLOPS_PER_UNIT = 1e12;

/** @param place where it stands, when it is queued */
export function presentVideo(row: VideoRow, place?: QueuePlace): VideoObject {
  const { request, report, progress, result } = row;
  const { policy, ...options } = request.cache;
  return {
    id: row.id,
    object: "video",
    model: request.model,
    status: row.status,
    progress: row.status === "completed" ? 100 : progress.percent,
    created_at: unixSeconds(row.createdAt),
    started_at: orNull(row.startedAt, unixSeconds),
    completed_at: orNull(row.completedAt, unixSeconds),
    expires_at: orNull(row.expiresAt, unixSeconds),
    prompt: request.prompt,
    remixed_from_video_id: row.remixedFrom ?? null,
    seconds: request.seconds ?? secondsOf(request.num_frames, request.fps),
    size: `${request.width}x${request.height}`,
    error: row.error ? { code: row.error.code, message: row.error.message } : null,
    negative_prompt: request.negative_prompt,
    seed: presentSeed(request.seed),
    num_inference_steps: request.num_inference_steps,
    guidance_scale: request.guidance_scale,
    num_frames: request.num_frames,
    fps: request.fps,
    output_format: request.output_format,
    metadata: { ...request.metadata },
    deadline_at: orNull(row.deadlineAt, unixSeconds),
    queue_position: row.status === "queued" ? (place?.position ?? null) : null,
    eta_seconds: etaOf(row, place),
    attempt: row.attempt,
    cache: { policy, options, speedup: numberIn(report, "speedup") },
    usage: usageOf(row),
    cost: {
      currency: row.terms.currency,
      amount: orNull(row.cost, decimal),
      maximum: decimal(row.hold),
      unit: row.terms.unit,
      unit_price: unitPrice(row.terms.microsPerUnit),
    },
    trace_url: result?.trace ? `/v1/videos/${row.id}/trace` : null,
  };
}

/** The length of a video in seconds, with at most three decimals. */
export function secondsOf(frames: number, fps: number): string {
  return String(Math.round((frames / fps) * 1000) / 1000);
}

function presentSeed(seed: string): number | string {
  return Number.isSafeInteger(Number(seed)) ? Number(seed) : seed;
}

function etaOf({ status, progress }: VideoRow, place: QueuePlace | undefined): number | null {
  if (status === "queued") return place?.etaSeconds ?? null;
  return status === "in_progress" ? numberIn(progress.detail, "seconds_left") : null;
}

function numberIn(record: Readonly<Record<string, unknown>> | undefined, name: string): number | null {
  const value = record?.[name];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function usageOf({ usage }: VideoRow): VideoObject["usage"] {
  if (!usage) return null;
  return {
    flops: usage.flops.toString(),
    compute_units: Number(usage.flops) / FLOPS_PER_UNIT,
    engine_seconds: Number(usage.engineMs) / 1000,
    video_seconds: Number(usage.videoMs) / 1000,
  };
}
