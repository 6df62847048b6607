/**
 * Watches over one attempt: renews its lease, passes its progress and its events on, and hears when it is to end.
 * Whatever is under way takes the signal.
 */

import type { AttemptEvent, AttemptEvents, Jobs, Orders, Progress, Taken } from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import type { Timers } from "./timers.ts";

/** Why an attempt is to end before its time; `stop` is this process that wants to end. */
export type Verdict = Exclude<Orders, "continue"> | "stop";

/** How often the orders are asked for: a part of the time that a cancel may take. */
const CHECK_MS = 200;
/** How often progress and events are stored at most. */
const PROGRESS_MS = 1000;
/** After this many heartbeats of silence the lease is somebody else's. */
const LEASE_HEARTBEATS = 3;

export interface WatchOptions {
  readonly jobs: Pick<Jobs, "heartbeat" | "check">;
  readonly taken: Taken;
  readonly timers: Timers;
  readonly log: Log;
}

export class Watch {
  readonly #options: WatchOptions;
  readonly #end = new AbortController();
  #wake = new AbortController();
  #closed = false;
  #verdict: Verdict | undefined;
  #progress: Progress | undefined;
  /** Events that are stored, and those that are not yet. */
  #stored = 0;
  #events: readonly AttemptEvent[] = [];
  #beatMs: number;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#beatMs = options.timers.nowMs();
    void this.#watch();
  }

  /** Aborted as soon as the attempt is to end. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Why the signal was aborted. */
  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** The latest progress; stored when its time comes. */
  report(progress: Progress): void {
    this.#progress = progress;
  }

  /** One more event of the attempt; stored when its time comes, or by whoever ends the attempt. */
  note(event: AttemptEvent): void {
    this.#events = [...this.#events, event];
  }

  /** The events that are not known to be stored. */
  get pending(): AttemptEvents | undefined {
    return this.#events.length > 0 ? { from: this.#stored, events: this.#events } : undefined;
  }

  /** Asks for orders now: something has happened. */
  poke(): void {
    this.#wake.abort();
  }

  /** Ends the attempt, for the first reason that is given. */
  end(verdict: Verdict): void {
    if (this.#verdict !== undefined || this.#closed) return;
    this.#verdict = verdict;
    this.#end.abort();
  }

  /** The attempt is over. */
  close(): void {
    this.#closed = true;
    this.#wake.abort();
  }

  async #watch(): Promise<void> {
    const { timers, log, taken } = this.#options;
    for (;;) {
      await timers.wait(CHECK_MS, this.#wake.signal);
      if (this.#closed) return;
      this.#wake = new AbortController();
      try {
        const orders = await this.#ask();
        if (orders !== "continue") this.end(orders);
        if (orders === "lost") return;
      } catch (error) {
        const silentMs = timers.nowMs() - this.#beatMs;
        log.warn({ video: taken.video.id, silentMs, error }, "the lease could not be renewed");
        if (silentMs > LEASE_HEARTBEATS * taken.heartbeatSeconds * 1000) this.end("lost");
      }
    }
  }

  /** Renews the lease where it is time or there is something to tell, else only asks. */
  async #ask(): Promise<Orders> {
    const { jobs, taken, timers } = this.#options;
    const now = timers.nowMs();
    const sinceMs = now - this.#beatMs;
    const { pending } = this;
    const progress = this.#progress;
    const isNews = progress !== undefined || pending !== undefined;
    const isDue = sinceMs >= taken.heartbeatSeconds * 500 || (isNews && sinceMs >= PROGRESS_MS);
    if (!isDue) return jobs.check(taken);
    const orders = await jobs.heartbeat(taken, progress, pending);
    this.#beatMs = now;
    if (this.#progress === progress) this.#progress = undefined;
    this.#forget(pending?.events.length ?? 0);
    return orders;
  }

  #forget(count: number): void {
    this.#stored += count;
    this.#events = this.#events.slice(count);
  }
}
