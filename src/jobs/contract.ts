/**
 * What the rooms say to each other about videos and accounts: the API creates and reads, workers take and
 * settle. Everything here is plain data or an interface; the code is beside it.
 *
 * Words. A *video* is what a caller asked for and our tables keep; a *job* is its entry in the queue (pg-boss); an
 * *attempt* is one worker's try, numbered from 1. An attempt is fenced by its job's id and retry count: whoever no
 * longer holds them can neither write nor charge.
 */

import type { AttemptEvents, Standing, VideoEvent } from "./event-contract.ts";
import type { Usage } from "./money-contract.ts";
import type {
  Created,
  CreateVideo,
  ListVideos,
  Progress,
  QueuePlace,
  StoredObject,
  StoredResult,
  VideoError,
  VideoPage,
  VideoRow,
} from "./video-contract.ts";
import type { WebhookJobs } from "./webhook-contract.ts";

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
