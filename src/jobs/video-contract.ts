/** A video as callers ask for it and our tables keep it. Plain data. */

import type { Micros, PriceTerms, Usage } from "./money-contract.ts";

/** A request with every default filled in, as it is kept and as the engine gets it. JSON. */
export interface VideoRequest {
  readonly prompt: string;
  readonly negative_prompt: string;
  readonly model: string;
  readonly width: number;
  readonly height: number;
  readonly num_frames: number;
  readonly fps: number;
  /** Decimal string, 0 to 2^64 − 1. */
  readonly seed: string;
  /** As asked for, in OpenAI's way; absent when it was not. */
  readonly seconds?: string;
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  /** Of the expert that takes over, where the bundle has two. */
  readonly guidance_scale_2?: number;
  readonly output_format: "mp4" | "webp";
  /** As the engine's `CacheRequest`. */
  readonly cache: { readonly policy: string; readonly [option: string]: unknown };
  readonly metadata: Readonly<Record<string, string>>;
  /** A preview every so many steps; 0 is none, absent: as the worker's configuration says. */
  readonly previews?: number;
  /** As asked for; the row's `deadline_at` is what counts. */
  readonly deadline_seconds?: number;
  /** Who is told of this video besides the account's endpoints, and of what; without events: of everything. */
  readonly webhook_url?: string;
  readonly webhook_events?: readonly string[];
}

/** The four states of the wire. A cancelled video is `failed` with the error code `cancelled`. */
export type VideoStatus = "queued" | "in_progress" | "completed" | "failed";

/** Why a video failed; `code` is stable. Besides the engine's own codes: `cancelled`, `deadline_exceeded`, `worker_lost`. */
export interface VideoError {
  readonly code: string;
  readonly message: string;
}

/** One attempt that ended without a result, for whoever looks into it. */
export interface AttemptFailure extends VideoError {
  readonly attempt: number;
  /** ISO 8601. */
  readonly at: string;
}

/** How far an attempt is; the latest one wins. */
export interface Progress {
  /** 0 to 100, whole. */
  readonly percent: number;
  /** For example `{ step, steps, seconds_left }`. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** A stored file of a result. */
export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** SHA-256 in hex. */
  readonly sha256: string;
  readonly contentType: string;
}

/** What an attempt left in the object store. */
export interface StoredResult {
  readonly video: StoredObject;
  readonly thumbnail?: StoredObject;
  readonly spritesheet?: StoredObject;
  /** The record of what was computed, from which the bill can be made again. */
  readonly trace?: StoredObject;
}

/** A video as the tables have it. */
export interface VideoRow {
  readonly id: string;
  readonly accountId: string;
  readonly keyId: string | undefined;
  readonly status: VideoStatus;
  readonly error: VideoError | undefined;
  readonly request: VideoRequest;
  /** Digest of the bundle that was served at creation. */
  readonly bundleDigest: string;
  readonly terms: PriceTerms;
  /** What was set aside; the most it can cost. */
  readonly hold: Micros;
  /** What was charged; undefined until the video is terminal. */
  readonly cost: Micros | undefined;
  readonly usage: Usage | undefined;
  /** What the worker wants to be shown with the video: `{ speedup, … }`. JSON. */
  readonly report: Readonly<Record<string, unknown>> | undefined;
  readonly progress: Progress;
  /** Attempts begun, handed-back ones among them. Part of the results' keys. */
  readonly attempt: number;
  readonly failures: readonly AttemptFailure[];
  readonly handBacks: number;
  readonly result: StoredResult | undefined;
  readonly createdAt: Date;
  readonly startedAt: Date | undefined;
  readonly completedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  readonly deadlineAt: Date | undefined;
  readonly cancelRequestedAt: Date | undefined;
  /** Its place in line: smaller starts earlier. */
  readonly turn: number;
  /** Sequence of its newest event; 0 where it has none. */
  readonly lastEvent: number;
  /** The video whose settings it has, with another prompt. */
  readonly remixedFrom: string | undefined;
  /** W3C Trace Context of the request that made it. */
  readonly traceparent: string | undefined;
}

/** What the API hands over; checked and priced. */
export interface CreateVideo {
  readonly accountId: string;
  readonly keyId?: string;
  readonly request: VideoRequest;
  readonly bundleDigest: string;
  readonly terms: PriceTerms;
  readonly hold: Micros;
  readonly deadlineSeconds?: number;
  /** Digest of the parsed request, the same for the same wish however it was encoded. */
  readonly fingerprint: string;
  /** The caller's Idempotency-Key: the same key and fingerprint give the same video for 24 h. */
  readonly idempotencyKey?: string;
  /** A client's own retry without a key: the account's video of the same fingerprint within 60 s is the answer. */
  readonly retry?: boolean;
  /** What the key may spend in a time; holds of videos that have not ended count. */
  readonly spendCap?: SpendCap;
  /** The video that it is a remix of. */
  readonly remixedFrom?: string;
  /** W3C Trace Context of the request, for the spans of the attempts. */
  readonly traceparent?: string;
  /** The most that it may compute: what the work that waits is estimated by. */
  readonly mostFlops?: bigint;
}

/** The most that a key may spend in a day or a month of UTC. */
export interface SpendCap {
  readonly amount: Micros;
  readonly period: "day" | "month";
}

/** A created video; `replayed` when an earlier request had made it. */
export interface Created {
  readonly video: VideoRow;
  readonly replayed: boolean;
}

export interface ListVideos {
  readonly accountId: string;
  /** 1 to 100. */
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** The last id of the page before. */
  readonly after?: string;
}

export interface VideoPage {
  readonly videos: readonly VideoRow[];
  readonly hasMore: boolean;
}

/** Where a queued video stands. */
export interface QueuePlace {
  /** How many start before it; counted up to 1,000. */
  readonly position: number;
  /** Estimated from recent videos; undefined while there are none. */
  readonly etaSeconds: number | undefined;
}
