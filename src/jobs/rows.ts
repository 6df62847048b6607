/** Rows of the table of videos, read into their type. */

import type { PriceTerms, Usage } from "./money-contract.ts";
import type { AttemptFailure, StoredResult, VideoRequest, VideoRow, VideoStatus } from "./video-contract.ts";

/** A row as both drivers give it with the columns of `sql/videos.ts`. */
export interface RawVideo {
  readonly id: string;
  readonly account_id: string;
  readonly key_id: string | null;
  readonly status: VideoStatus;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly request: VideoRequest;
  readonly bundle_digest: string;
  readonly terms: PriceTerms;
  readonly hold: string;
  readonly cost: string | null;
  readonly usage: RawUsage | null;
  readonly report: Record<string, unknown> | null;
  readonly result: StoredResult | null;
  readonly progress: number;
  readonly progress_detail: Record<string, unknown> | null;
  readonly attempt: number;
  readonly failures: readonly AttemptFailure[];
  readonly hand_backs: number;
  readonly job_id: string;
  readonly turn: string;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly completed_at: Date | null;
  readonly expires_at: Date | null;
  readonly deadline_at: Date | null;
  readonly cancel_requested_at: Date | null;
  readonly deleted_at: Date | null;
  readonly last_event: number;
  readonly remixed_from: string | null;
  readonly traceparent: string | null;
}

interface RawUsage {
  readonly flops: string;
  readonly engine_ms: string;
  readonly video_ms: string;
}

/** A video with the id of its job, which only this room needs. */
export interface Video extends VideoRow {
  readonly jobId: string;
}

/** Reads one row. */
export function videoOf(raw: RawVideo): Video {
  const { error_code, error_message, usage, progress_detail } = raw;
  return {
    id: raw.id,
    accountId: raw.account_id,
    keyId: raw.key_id ?? undefined,
    status: raw.status,
    error: error_code === null ? undefined : { code: error_code, message: error_message ?? "" },
    request: raw.request,
    bundleDigest: raw.bundle_digest,
    terms: raw.terms,
    hold: BigInt(raw.hold),
    cost: raw.cost === null ? undefined : BigInt(raw.cost),
    usage: usage === null ? undefined : readUsage(usage),
    report: raw.report ?? undefined,
    progress: { percent: raw.progress, ...(progress_detail && { detail: progress_detail }) },
    attempt: raw.attempt,
    failures: raw.failures,
    handBacks: raw.hand_backs,
    result: raw.result ?? undefined,
    createdAt: raw.created_at,
    startedAt: raw.started_at ?? undefined,
    completedAt: raw.completed_at ?? undefined,
    expiresAt: raw.expires_at ?? undefined,
    deadlineAt: raw.deadline_at ?? undefined,
    cancelRequestedAt: raw.cancel_requested_at ?? undefined,
    turn: Number(raw.turn),
    lastEvent: raw.last_event,
    remixedFrom: raw.remixed_from ?? undefined,
    traceparent: raw.traceparent ?? undefined,
    jobId: raw.job_id,
  };
}

function readUsage({ flops, engine_ms, video_ms }: RawUsage): Usage {
  return { flops: BigInt(flops), engineMs: BigInt(engine_ms), videoMs: BigInt(video_ms) };
}

/** The form of a usage in the table: JSON has no bigints. */
export function writeUsage({ flops, engineMs, videoMs }: Usage): string {
  return JSON.stringify({ flops: `${flops}`, engine_ms: `${engineMs}`, video_ms: `${videoMs}` });
}
