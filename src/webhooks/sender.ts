/**
 * Sends what is due. Many requests at once, few to one receiver; and whoever lets a request hang gives its place to
 * others: after a second it waits on the side, where there is room for a thousand, and its receiver gets nothing more
 * until it has answered. So neither one dead receiver nor hundreds delay the rest.
 */

import { messageOf } from "../errors.ts";
import type { ClaimedDelivery, Verdict, WebhookJobs } from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import { bodyOf } from "./body.ts";
import { Gate } from "./gate.ts";
import { delayAfter } from "./schedule.ts";
import { unseal } from "./secrets.ts";
import { type Answer, type SendOptions, send } from "./send.ts";
import { signatureHeaders } from "./sign.ts";

/** Requests younger than `SLOW_MS` at a time. */
const QUICK_AT_ONCE = 64;
/** All requests at a time. */
const OPEN_AT_ONCE = 1_024;
const SLOW_MS = 1_000;
/** How often the outbox and the queue are looked at. */
const EVERY_MS = 500;
/** Requests under way have this long when the sender is stopped; then they are given back. */
const GRACE_MS = 2_000;
/** Transactions at a time: the connections to the database are the API's too. */
const RECORDED_AT_ONCE = 3;
const GONE = 410;

/** Time, as the sender knows it. */
export interface SenderTimers {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export interface SenderOptions {
  readonly jobs: Pick<WebhookJobs, "fanOut" | "claim" | "finish" | "release">;
  /** What secrets are sealed with, 32 bytes. */
  readonly key: Uint8Array;
  readonly send: SendOptions;
  readonly timers: SenderTimers;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** In `user-agent`. */
  readonly version: string;
}

interface Open {
  readonly lane: string;
  readonly startedMs: number;
}

/** Any number of processes may have one. */
export class WebhookSender {
  readonly #options: SenderOptions;
  readonly #open = new Map<ClaimedDelivery, Open>();
  readonly #records = new Gate(RECORDED_AT_ONCE);
  readonly #stopped = new AbortController();
  readonly #abort = new AbortController();
  #wake = new AbortController();
  #run: Promise<void> | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Begins to work. */
  start(): void {
    this.#run ??= this.#loop();
  }

  /** Takes nothing new, waits a little for what is under way, and gives the rest back. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake.abort();
    await this.#run;
    for (const aborting of [false, true]) {
      if (aborting) this.#abort.abort();
      const idle = this.#idle();
      const done = new AbortController();
      void idle.then(() => done.abort());
      await (aborting ? idle : this.#options.timers.wait(GRACE_MS, done.signal));
    }
  }

  /** Fans out what happened and starts what is due, as far as there is room. @returns how many were started */
  async round(): Promise<number> {
    const { jobs } = this.#options;
    while ((await jobs.fanOut()) > 0);
    let started = 0;
    for (let room = this.#room(); room > 0 && !this.#stopped.signal.aborted; room = this.#room()) {
      const { deliveries, more } = await jobs.claim(room, this.#slowLanes());
      for (const claimed of deliveries) void this.#attempt(claimed);
      started += deliveries.length;
      if (!more) break;
    }
    return started;
  }

  /** Rounds until nothing is due and nothing under way: what a moment brings, for tests that move the clock. */
  async settle(): Promise<void> {
    do {
      await this.#idle();
    } while ((await this.round()) > 0 || this.#open.size > 0);
  }

  async #loop(): Promise<void> {
    const { timers, log } = this.#options;
    while (!this.#stopped.signal.aborted) {
      this.#wake = new AbortController();
      try {
        await this.round();
      } catch (error) {
        if (!this.#stopped.signal.aborted) log.error({ error }, "the webhook queue can't be read");
      }
      await timers.wait(EVERY_MS, AbortSignal.any([this.#wake.signal, this.#stopped.signal]));
    }
  }

  #room(): number {
    const since = this.#options.timers.nowMs() - SLOW_MS;
    const quick = [...this.#open.values()].filter(({ startedMs }) => startedMs > since).length;
    return Math.min(QUICK_AT_ONCE - quick, OPEN_AT_ONCE - this.#open.size);
  }

  #slowLanes(): string[] {
    const since = this.#options.timers.nowMs() - SLOW_MS;
    const slow = [...this.#open.values()].filter(({ startedMs }) => startedMs <= since);
    return [...new Set(slow.map(({ lane }) => lane))];
  }

  /** Resolves when nothing is under way. */
  async #idle(): Promise<void> {
    while (this.#open.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
  #waiting: (() => void)[] = [];

  async #attempt(claimed: ClaimedDelivery): Promise<void> {
    const { timers, log } = this.#options;
    const startedMs = timers.nowMs();
    this.#open.set(claimed, { lane: claimed.lane, startedMs });
    try {
      await this.#send(claimed, startedMs);
    } catch (error) {
      // Its claim runs out in a minute; then it is sent again.
      log.error({ error, delivery_id: claimed.id }, "what came of a webhook can't be recorded");
    } finally {
      this.#open.delete(claimed);
      this.#wake.abort();
      if (this.#open.size === 0) for (const tell of this.#waiting.splice(0)) tell();
    }
  }

  async #send(claimed: ClaimedDelivery, startedMs: number): Promise<void> {
    const { jobs, timers, log, random } = this.#options;
    const answer = await this.#answer(claimed, new Date(startedMs));
    if (answer.error === "aborted") return this.#records.run(() => jobs.release(claimed));
    const { status, error } = answer;
    const durationMs = Math.max(0, timers.nowMs() - startedMs);
    const verdict = verdictOf(claimed, answer, { at: new Date(timers.nowMs()), random: random() });
    const attempt = { at: new Date(startedMs), durationMs, status, error };
    await this.#records.run(() => jobs.finish(claimed, attempt, verdict));
    if (error === undefined) return;
    const { id, endpointId, eventId } = claimed;
    const fields = { delivery_id: id, webhook_id: endpointId, event_id: eventId, reason: error, status };
    log.warn({ ...fields, next: verdict.kind }, "a webhook was not delivered");
  }

  async #answer(claimed: ClaimedDelivery, at: Date): Promise<Omit<Answer, "error"> & { error?: string }> {
    const { key, version, log } = this.#options;
    const { endpointId, eventId, sealed, url } = claimed;
    const body = bodyOf(claimed);
    const valid = [sealed.current, ...(sealed.old && sealed.old.until > at ? [sealed.old.sealed] : [])];
    let secrets: string[];
    try {
      secrets = valid.map((one) => unseal(one, endpointId, key));
    } catch (error) {
      log.error({ error, webhook_id: endpointId }, messageOf(error));
      return { error: "secret_sealed" };
    }
    const headers = {
      "content-type": "application/json",
      "user-agent": `mixcache/${version}`,
      ...signatureHeaders({ id: eventId, at, body }, secrets),
    };
    return send({ url, headers, body }, this.#options.send, this.#abort.signal);
  }
}

function verdictOf(
  { failures }: ClaimedDelivery,
  { status, error, retryAfter }: Omit<Answer, "error"> & { error?: string },
  { at, random }: { at: Date; random: number },
): Verdict {
  if (error === undefined) return { kind: "delivered" };
  if (status === GONE) return { kind: "gone" };
  const delaySeconds = delayAfter({ failures: failures + 1, retryAfter, at, random });
  return delaySeconds === undefined ? { kind: "failed" } : { kind: "retry", delaySeconds };
}
