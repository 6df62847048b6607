/**
 * Takes videos, one at a time, has the engine make them, and settles. A fault of the engine is an error of one video;
 * a fault of the database or the store is waited out.
 */

import { MixcacheError, messageOf } from "../errors.ts";
import type { Jobs, Taken, VideoRow } from "../jobs/index.ts";
import { inSpan, type Metrics, type SpanNotes } from "../telemetry/index.ts";
import { type AttemptParts, type Ending, runAttempt } from "./attempt.ts";
import { warmUp } from "./engine.ts";
import { Watch } from "./watch.ts";

export interface WorkerOptions extends AttemptParts {
  readonly jobs: Jobs;
  /** A number in [0, 1): spreads the polls of many workers. */
  readonly random: () => number;
  /** Counts what was made; undefined: nothing does. */
  readonly metrics?: Metrics;
  /** After `stop`, what is under way has this long until it is handed back as it is. Default 6 s. */
  readonly graceMs?: number;
  /** Ends the worker when there is nothing to do; undefined: it works until it is stopped. */
  readonly drain?: Drain;
}

/** How a worker ends when there is nothing to do. */
export interface Drain {
  /** Without a video for so long, it leaves; asked once it works. */
  readonly idleMs: () => number;
  /** It is not counted on any more. */
  readonly leave: () => Promise<void>;
  /** It is, once more: something had come meanwhile. */
  readonly stay: () => Promise<void>;
}

/** What a worker does just now; `waiting` names what it can't work without. */
export type WorkerState = "loading" | "ready" | "busy" | "waiting" | "stopped";

const POLL_MS = 500;
const GRACE_MS = 6000;
/** Between tries of what doesn't work: this long at first, then twice as long, up to the last. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A settlement that the database doesn't take is tried again until the lease is surely gone. */
const SETTLE_TRIES = 10;

export class Worker {
  readonly #options: WorkerOptions;
  readonly #stop = new AbortController();
  readonly #forced = new AbortController();
  #wake = new AbortController();
  #watch: { readonly watch: Watch; readonly videoId: string } | undefined;
  #state: WorkerState = "loading";
  #reason = "the model is being loaded";
  #pauseMs = FIRST_PAUSE_MS;
  #idleSinceMs = 0;
  #drained = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** In words, why it takes no videos; empty where it does. */
  get reason(): string {
    return this.#reason;
  }

  /**
   * Loads the bundle and warms up.
   * @throws MixcacheError of the bundle or the engine
   */
  async load(): Promise<void> {
    await warmUp(this.#options.engine, this.#stop.signal);
    this.#turn("ready");
  }

  /**
   * Works until it is stopped or there is nothing to drain any more; `load` comes first.
   * @throws what it waited for, where it is to drain and could take nothing for as long as it may be idle
   */
  async run(): Promise<void> {
    const { jobs, timers } = this.#options;
    this.#idleSinceMs = timers.nowMs();
    const unsubscribe = jobs.onWork(() => this.#wake.abort());
    const uncancel = await jobs.onCancel((id) => {
      if (this.#watch?.videoId === id) this.#watch.watch.poke();
    });
    try {
      while (!this.#stop.signal.aborted && !this.#drained) await this.#turnOnce();
    } finally {
      unsubscribe();
      await uncancel();
      this.#turn("stopped", "the worker was stopped");
    }
  }

  /** Takes nothing more, stops the engine at its next segment, and hands back what is under way. `run` then ends. */
  stop(): void {
    this.#turn("waiting", "the worker is being stopped");
    this.#stop.abort();
    this.#wake.abort();
    this.#watch?.watch.end("stop");
    const force = setTimeout(() => this.#forced.abort(), this.#options.graceMs ?? GRACE_MS);
    force.unref();
  }

  #turn(state: WorkerState, reason = ""): void {
    this.#state = state;
    this.#reason = reason;
  }

  async #turnOnce(): Promise<void> {
    const { jobs, engine, timers, random, log } = this.#options;
    try {
      await engine.info();
      const taken = await jobs.take();
      this.#pauseMs = FIRST_PAUSE_MS;
      if (!this.#stop.signal.aborted) this.#turn(taken ? "busy" : "ready");
      if (taken) return await this.#traced(taken);
      if (this.#isIdleForLong()) return await this.#drain();
      // Polls of many workers shall not come in step.
      await timers.wait(POLL_MS * (0.75 + random() / 2), this.#wake.signal);
      if (!this.#stop.signal.aborted) this.#wake = new AbortController();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      if (this.#isIdleForLong()) throw error;
      this.#turn("waiting", messageOf(error));
      log.error({ error, pauseMs: this.#pauseMs }, "the worker can't take videos");
      await timers.wait(this.#pauseMs, this.#stop.signal);
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  #isIdleForLong(): boolean {
    const { drain, timers } = this.#options;
    return drain !== undefined && timers.nowMs() - this.#idleSinceMs >= drain.idleMs();
  }

  /** Whoever put a video into the queue and counted on this worker, did so before it left: it looks once more. */
  async #drain(): Promise<void> {
    const { drain, jobs } = this.#options;
    await drain?.leave();
    const last = await jobs.take();
    this.#drained = !last;
    if (!last) return;
    await drain?.stay();
    this.#turn("busy");
    await this.#traced(last);
  }

  /** The attempt belongs to the request that made the video. */
  #traced(taken: Taken): Promise<void> {
    const { id, traceparent, request } = taken.video;
    const attributes = {
      "mixcache.video_id": id,
      "mixcache.attempt": taken.attempt,
      "mixcache.model": request.model,
    };
    const options = { kind: "consumer", traceparent, attributes } as const;
    return inSpan("video.attempt", options, (span) => this.#work(taken, span));
  }

  async #work(taken: Taken, span: SpanNotes): Promise<void> {
    const { jobs, timers, log } = this.#options;
    const { id } = taken.video;
    const watch = new Watch({ jobs, taken, timers, log });
    this.#watch = { watch, videoId: id };
    const startedMs = timers.nowMs();
    log.info({ video: id, attempt: taken.attempt }, "a video was taken");
    // Taken while the stop came.
    if (this.#stop.signal.aborted) watch.end("stop");
    try {
      const ending = await Promise.race([runAttempt(this.#options, taken, watch), this.#forcedEnding()]);
      span.set({ "mixcache.ending": ending.kind });
      if (ending.kind === "failed") span.fail(ending.error.code);
      const settled = await inSpan("video.settle", {}, () => this.#finish(taken, ending, watch));
      this.#count(ending, settled);
      log.info(
        { video: id, attempt: taken.attempt, ending: ending.kind, tookMs: timers.nowMs() - startedMs },
        "done",
      );
    } catch (error) {
      // The sweeper finds it when its lease is over.
      log.error({ video: id, attempt: taken.attempt, error }, "an attempt could not be settled");
    } finally {
      watch.close();
      this.#watch = undefined;
      this.#idleSinceMs = timers.nowMs();
    }
  }

  #count(ending: Ending, settled: VideoRow | undefined): void {
    const { metrics } = this.#options;
    const usage = "usage" in ending ? ending.usage : undefined;
    const speedup = ending.kind === "completed" ? ending.report?.speedup : undefined;
    metrics?.attempt({
      ending: ending.kind,
      ...(usage && { engineSeconds: Number(usage.engineMs) / 1000 }),
      ...(typeof speedup === "number" && { speedup }),
    });
    if (settled?.status === "completed") metrics?.ended("completed");
    if (settled?.status === "failed") metrics?.ended(settled.error?.code ?? "failed");
  }

  /** What can't be stopped in time goes back as it is; its engine ends with this process. */
  #forcedEnding(): Promise<Ending> {
    const { signal } = this.#forced;
    return new Promise((resolve) => {
      if (signal.aborted) resolve({ kind: "hand_back" });
      signal.addEventListener("abort", () => resolve({ kind: "hand_back" }), { once: true });
    });
  }

  /**
   * Settles, and tries again where the database doesn't answer; the lease is renewed meanwhile.
   * @returns the video then; undefined where it was not ours to settle
   */
  async #finish(taken: Taken, ending: Ending, watch: Watch): Promise<VideoRow | undefined> {
    const { jobs, timers, log } = this.#options;
    if (ending.kind === "lost") return undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        return await (ending.kind === "hand_back"
          ? jobs.handBack(taken, watch.pending)
          : jobs.settle(taken, ending, watch.pending));
      } catch (error) {
        // Also what a settlement is told whose answer got lost on the way.
        if (error instanceof MixcacheError && error.code === "attempt_lost") {
          log.warn({ video: taken.video.id, attempt: taken.attempt }, "the attempt was somebody else's");
          return undefined;
        }
        if (attempt === SETTLE_TRIES || this.#forced.signal.aborted) throw error;
        log.warn({ video: taken.video.id, error }, "settling is tried again");
        await timers.wait(Math.min(250 * 2 ** attempt, 5000), this.#forced.signal);
      }
    }
  }
}
