/**
 * What the rooms say to each other about videos and accounts: the API creates and reads, workers take and
 * settle. Everything here is plain data or an interface; the code is beside it.
 *
 * Words. A *video* is what a caller asked for and our tables keep; a *job* is its entry in the queue (pg-boss); an
 * *attempt* is one worker's try, numbered from 1. An attempt is fenced by its job's id and retry count: whoever no
 * longer holds them can neither write nor charge.
 */

import type { Micros, PriceTerms, Usage } from "./money-contract.ts";
import type { WebhookJobs } from "./webhook-contract.ts";

// ── Videos ──────────────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── Events ──────────────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── Attempts ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A video in a worker's hands. `jobId` and `retryCount` are the fence. */
export interface Taken {
  readonly video: VideoRow;
  /** From 1, another one for each take; goes into the keys of results: `videos/<id>/<attempt>/…`. */
  readonly attempt: number;
  readonly jobId: string;
  readonly retryCount: number;
  /** Renew the lease at least this often; it is lost after three times as long. */
  readonly heartbeatSeconds: number;
}

/** What a worker is to do with the attempt it holds. */
export type Orders =
  | "continue"
  /** The caller cancelled: abort, then settle as `cancelled`. */
  | "cancel"
  /** Its deadline has passed: abort, then settle as `deadline_exceeded`. */
  | "deadline"
  /** The attempt is not ours any more: abort and write nothing; settling throws `attempt_lost`. */
  | "lost";

/** How an attempt ended. */
export type Outcome =
  | {
      readonly kind: "completed";
      readonly result: StoredResult;
      readonly usage: Usage;
      readonly report?: Readonly<Record<string, unknown>>;
    }
  /** Stopped after the start: what was computed is billed, at most the hold. The trace may be stored beside it. */
  | {
      readonly kind: "cancelled" | "deadline_exceeded";
      readonly usage: Usage;
      readonly trace?: StoredObject;
      readonly report?: Readonly<Record<string, unknown>>;
    }
  /** Nothing is charged. With `retry` the video goes back to the queue while it has attempts left (3 in all). */
  | { readonly kind: "failed"; readonly error: VideoError; readonly retry: boolean };

/** What one sweep mended. */
export interface Swept {
  /** Attempts whose worker vanished, back in the queue. */
  readonly requeued: number;
  /** Videos failed because their last attempt's worker vanished. */
  readonly lost: number;
  /** Queued videos failed because their deadline passed. */
  readonly expired: number;
  /** Idempotency records, outbox rows, events and proofs of the edge that had served their time. */
  readonly forgotten: number;
}

/** The keys of a video's files that are to be kept; `all` while it may still be made. */
export type KeptFiles = "all" | ReadonlySet<string>;

/** A video's life. Every method is one transaction or one statement; none waits for a worker. */
export interface Jobs {
  /**
   * Idempotency record, hold, video row and queue entry in one transaction.
   * @throws MixcacheError `credit_insufficient`, `queue_full`, `spend_cap_reached`, `idempotency_conflict`,
   * `account_not_found`
   */
  create(wish: CreateVideo): Promise<Created>;
  /** @throws MixcacheError `video_not_found`, also for another account's and for deleted ones */
  get(accountId: string, id: string): Promise<VideoRow>;
  /** @throws MixcacheError `video_not_found` when `after` is none of the account's */
  list(wish: ListVideos): Promise<VideoPage>;
  /** Where queued videos stand, by id; those that are not queued are left out. */
  places(ids: readonly string[]): Promise<ReadonlyMap<string, QueuePlace>>;
  /**
   * Before the start: failed with `cancelled`, nothing charged. While running: `cancelRequestedAt` is set and the
   * worker is told. Terminal already: returned as it is. @throws MixcacheError `video_not_found`
   */
  cancel(accountId: string, id: string): Promise<VideoRow>;
  /**
   * Hides a terminal video; its files are then removed by whoever calls `purgeable`.
   * @throws MixcacheError `video_not_found`, `video_live`
   */
  delete(accountId: string, id: string): Promise<VideoRow>;
  /** Ids of videos that are deleted or expired and whose files may still exist. */
  purgeable(limit: number): Promise<string[]>;
  /** Their files are gone. */
  purged(ids: readonly string[]): Promise<void>;
  /** Which files of videos are to be kept, by id; of a video that isn't in the answer the database knows nothing. */
  keptFiles(ids: readonly string[]): Promise<ReadonlyMap<string, KeptFiles>>;

  /**
   * Cancels what waits and what is being made.
   * @throws MixcacheError `account_busy` while a worker still has one
   */
  stopAll(accountId: string): Promise<void>;
  /** The ids of all videos of an account, deleted ones too, in their order. */
  allVideos(accountId: string): Promise<string[]>;
  /**
   * Deletes everything of an account but the lines of its ledger, which nothing links to it any more, in one
   * transaction. The files of its videos are gone by then. @param videos how many that were
   * @throws MixcacheError `account_not_found`, `account_busy` where one is live, or more have come
   */
  erase(accountId: string, videos: number): Promise<void>;

  /** The next video in turn, marked in progress in the same transaction; undefined when none may start now. */
  take(): Promise<Taken | undefined>;
  /**
   * Renews the lease and stores progress and events, of which an attempt has at most `MOST_EVENTS`. Safe to call often;
   * `lost` is an answer, not an error.
   */
  heartbeat(taken: Taken, progress?: Progress, events?: AttemptEvents): Promise<Orders>;
  /** The same answer without writing anything: for polling four times a second. */
  check(taken: Taken): Promise<Orders>;
  /**
   * Ends the attempt in one transaction that locks its job: ledger, state, outbox, queue, and its last events.
   * @throws MixcacheError `attempt_lost` when the attempt is not this one any more; then nothing was written
   */
  settle(taken: Taken, outcome: Outcome, events?: AttemptEvents): Promise<VideoRow>;
  /**
   * Back to the front of the queue without counting as an attempt, 10 times; after that it counts.
   * @throws MixcacheError `attempt_lost`
   */
  handBack(taken: Taken, events?: AttemptEvents): Promise<VideoRow>;

  /**
   * A video's events after a sequence, in order, at most so many. Those up to the `lastEvent` of a row that was read
   * before are all there. The caller knows that the video may be read.
   */
  events(id: string, after: number, limit: number): Promise<readonly VideoEvent[]>;
  /** One of its events, if it is still kept. */
  event(id: string, sequence: number): Promise<VideoEvent | undefined>;
  /**
   * Calls back with how a video stands, soon after the call and whenever that has changed in any process: at once where
   * its state changed, within a second for progress and what workers report. Undefined: it was deleted.
   * @returns what ends it
   */
  watch(id: string, onChange: (standing: Standing | undefined) => void): () => void;

  /** Mends what crashes left. Run it every few seconds in at least one process; any number may. */
  sweep(): Promise<Swept>;
  /**
   * Ends every attempt, and mends what they leave: for a process that alone has the database, when it starts. Whoever
   * was at work is dead, and need not be waited for until the lease is over.
   */
  endAttempts(): Promise<Swept>;
  /** Called when this process made a video takeable, so that its worker need not wait for its next poll. */
  onWork(listener: () => void): () => void;
  /** Called with the id of a running video that was cancelled, in any process. */
  onCancel(listener: (videoId: string) => void): Promise<() => Promise<void>>;
  /** Who is told of what happens to videos, and what is on its way to them. */
  readonly webhooks: WebhookJobs;
  /** Ends the queue's timers and everything that is watched; the database stays open. */
  close(): Promise<void>;
}
