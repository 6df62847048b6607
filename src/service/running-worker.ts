/** A worker with its engine, from loading the bundle until both are gone. */

import { randomUUID } from "node:crypto";
import type { ServerConfig } from "../config/index.ts";
import type { Fleet, Jobs } from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import type { Moderate } from "../moderation.ts";
import {
  defaultThreads,
  EngineChild,
  type EngineChildOptions,
  FetchedProfiles,
  NegativeEmbeddings,
  ObservedProfiles,
} from "../node/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import {
  type Drain,
  Present,
  systemTimers,
  type Warmth,
  Worker,
  type WorkerEngine,
  warmth,
} from "../worker/index.ts";

/** Starts an engine and loads its bundle. */
export type OpenEngine = (options: EngineChildOptions, signal: AbortSignal) => Promise<WorkerEngine>;

/** The engine leaves the processor to whoever answers requests. */
const ENGINE_NICENESS = 10;

const FLUSH_MS = 2000;

interface RunningWorkerOptions {
  readonly config: ServerConfig;
  readonly log: Log;
  readonly say: (line: string) => void;
  readonly openEngine?: OpenEngine;
  readonly jobs: Jobs;
  readonly fleet: Fleet;
  /** Whether it ends when there is nothing to do. */
  readonly drain?: boolean;
  readonly store: ObjectStore;
  readonly bundle: string;
  readonly moderate?: Moderate;
  readonly metrics?: Metrics;
}

export class RunningWorker {
  readonly #options: RunningWorkerOptions;
  readonly #closed = new AbortController();
  readonly #negatives: NegativeEmbeddings | undefined;
  readonly #warmth: Warmth;
  readonly #present: Present;
  /** From the start of this process until it takes videos. */
  #startMs = 0;
  #engine: WorkerEngine | undefined;
  #worker: Worker | undefined;
  #run: Promise<void> | undefined;

  constructor(options: RunningWorkerOptions) {
    this.#options = options;
    this.#negatives = negatives(options);
    this.#warmth = warmthOf(options, this.#negatives);
    const { fleet, config, log } = options;
    this.#present = new Present({
      presence: fleet.presence(config.fleet.workerId ?? randomUUID()),
      timers: systemTimers,
      everyMs: config.heartbeatSeconds * 1000,
      log,
    });
  }

  /** In words, why it takes no videos; empty where it does. */
  get reason(): string {
    return this.#worker ? this.#worker.reason : "the model is being loaded";
  }

  /**
   * Loads, warms up and begins to work.
   * @throws MixcacheError of the bundle or the engine; not when it was closed meanwhile
   */
  async start(): Promise<void> {
    const {
      jobs,
      store,
      log,
      say,
      config,
      moderate,
      metrics,
      openEngine = EngineChild.start,
    } = this.#options;
    const startedMs = Date.now();
    this.#present.enter();
    try {
      this.#engine = await openEngine(this.#engineOptions(), this.#closed.signal);
      this.#worker = new Worker({
        jobs,
        store,
        engine: this.#engine,
        warmth: this.#warmth,
        timers: systemTimers,
        log,
        random: Math.random,
        previewEverySteps: config.previewEverySteps,
        ...(this.#options.drain && { drain: this.#drain() }),
        ...(moderate && { moderate }),
        ...(metrics && { metrics }),
      });
      if (this.#closed.signal.aborted) return;
      await this.#worker.load();
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      throw error;
    }
    const { manifest, device, threads } = await this.#engine.info();
    if (this.#closed.signal.aborted) return;
    say(
      `Ready: ${manifest.title} on ${device} with ${threads} threads, after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`,
    );
    await this.#present.ready();
    this.#startMs = performance.now();
    this.#run = this.#worker.run();
  }

  /** Resolves when it has ended by itself, or was closed. @throws as `Worker.run` */
  async ended(): Promise<void> {
    await this.#run;
  }

  /** Hands back what is under way, and ends the engine. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#worker?.stop();
    await this.#run?.catch(() => undefined);
    await this.#present.leave();
    await this.#flush();
    this.#engine?.dispose();
  }

  /** Idle for as long as this process took to get here, it costs more than another one's start. */
  #drain(): Drain {
    const present = this.#present;
    return {
      idleMs: () => this.#startMs,
      leave: () => present.leave(),
      stay: async () => {
        present.enter();
      },
    };
  }

  /** What a store does not take in time is lost; it is statistics. */
  async #flush(): Promise<void> {
    const done = new AbortController();
    await Promise.race([this.#warmth.flush(), systemTimers.wait(FLUSH_MS, done.signal)]);
    done.abort();
  }

  #engineOptions(): EngineChildOptions {
    const { bundle, config } = this.#options;
    const { device, threads, embeddings, profiles, lowMemory, torch } = config.engine;
    return {
      bundle,
      device,
      threads: threads ?? defaultThreads(),
      ...(embeddings && { embeddings }),
      profiles,
      fetchedProfiles: config.fetchedProfiles,
      ...(this.#negatives && { negatives: this.#negatives }),
      lowMemory,
      ...(torch && { torch }),
      priority: ENGINE_NICENESS,
    };
  }
}

/** What goes to the store and comes from it besides videos. */
function shared({ store, log }: RunningWorkerOptions) {
  return { store, log, timing: systemTimers };
}

function negatives(options: RunningWorkerOptions): NegativeEmbeddings | undefined {
  const { engine, profileWriteback: writeBack } = options.config;
  const { embeddings } = engine;
  return embeddings && new NegativeEmbeddings({ ...shared(options), folder: embeddings.folder, writeBack });
}

function warmthOf(options: RunningWorkerOptions, embeddings: NegativeEmbeddings | undefined): Warmth {
  const { fetchedProfiles: folder, profileWriteback: sharpen } = options.config;
  return warmth({
    profiles: new FetchedProfiles({ ...shared(options), folder, sharpen }),
    ...(sharpen && { observed: new ObservedProfiles({ ...shared(options), random: Math.random }) }),
    ...(embeddings && { embeddings }),
  });
}
