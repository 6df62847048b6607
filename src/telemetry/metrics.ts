/**
 * Metrics in Prometheus' form. What a process did is counted in it; how the service stands is asked of the database
 * when somebody looks, so it is the same from every process. No label has a value that callers choose.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** How the service stands; see `Reports.totals` of the jobs. */
export interface HouseTotals {
  readonly queued: number;
  readonly running: number;
  readonly oldestAt: Date | undefined;
  /** In micros. */
  readonly issued: bigint;
  readonly credit: bigint;
  readonly held: bigint;
  readonly revenue: bigint;
}

export interface MetricsOptions {
  /** @throws where the database doesn't answer */
  readonly totals: () => Promise<HouseTotals>;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

const LATENCY_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const ENGINE_SECONDS = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
const SPEEDUPS = [1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 6];
const METHODS = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"];

/** The metrics of one process. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #options: MetricsOptions;
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #latency: Histogram<"method" | "route">;
  readonly #ended: Counter<"outcome">;
  readonly #attempts: Counter<"ending">;
  readonly #engine: Histogram;
  readonly #speedup: Histogram;
  readonly #totals: ReturnType<typeof totalGauges>;

  constructor(options: MetricsOptions) {
    this.#options = options;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: "mixcache_http_requests_total",
      help: "Requests that were answered.",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#latency = new Histogram({
      name: "mixcache_http_request_duration_seconds",
      help: "How long answers took, until their first byte.",
      labelNames: ["method", "route"],
      buckets: LATENCY_SECONDS,
      registers,
    });
    this.#ended = new Counter({
      name: "mixcache_videos_ended_total",
      help: "Videos that ended through this process: completed, or why they failed.",
      labelNames: ["outcome"],
      registers,
    });
    this.#attempts = new Counter({
      name: "mixcache_attempts_total",
      help: "Attempts of this worker, by how they ended.",
      labelNames: ["ending"],
      registers,
    });
    this.#engine = new Histogram({
      name: "mixcache_engine_seconds",
      help: "How long this worker's engine was busy with a video; the sum is its busy time.",
      buckets: ENGINE_SECONDS,
      registers,
    });
    this.#speedup = new Histogram({
      name: "mixcache_cache_speedup",
      help: "FLOPs of completed videos without a cache over those computed.",
      buckets: SPEEDUPS,
      registers,
    });
    this.#totals = totalGauges(this.#registry);
  }

  /** The type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything, in Prometheus' text form. */
  async text(): Promise<string> {
    await this.#ask();
    return this.#registry.metrics();
  }

  /** @param route the pattern that matched, never the path */
  request(seen: { method: string; route: string; status: number; seconds: number }): void {
    const method = METHODS.includes(seen.method) ? seen.method : "other";
    this.#requests.inc({ method, route: seen.route, status: String(seen.status) });
    this.#latency.observe({ method, route: seen.route }, seen.seconds);
  }

  /** @param outcome `completed`, or the stable code of why it failed */
  ended(outcome: string, count = 1): void {
    if (count > 0) this.#ended.inc({ outcome }, count);
  }

  attempt(seen: { ending: string; engineSeconds?: number; speedup?: number }): void {
    this.#attempts.inc({ ending: seen.ending });
    if (seen.engineSeconds !== undefined) this.#engine.observe(seen.engineSeconds);
    if (seen.speedup !== undefined) this.#speedup.observe(seen.speedup);
  }

  async #ask(): Promise<void> {
    const { totals, nowMs } = this.#options;
    const found = await totals().catch(() => undefined);
    const { up, queued, running, oldest, ledger } = this.#totals;
    up.set(found ? 1 : 0);
    queued.set(found?.queued ?? Number.NaN);
    running.set(found?.running ?? Number.NaN);
    const waitedMs = found?.oldestAt ? Math.max(0, nowMs() - found.oldestAt.getTime()) : 0;
    oldest.set(found ? waitedMs / 1000 : Number.NaN);
    for (const book of ["issued", "credit", "held", "revenue"] as const)
      ledger.set({ book }, found ? Number(found[book]) / 1e6 : Number.NaN);
  }
}

function totalGauges(registry: Registry) {
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge<Label>({ name: `mixcache_${name}`, help, labelNames, registers: [registry] });
  return {
    up: gauge("database_up", "1: the database answered; 0: what comes from it is not known."),
    queued: gauge("queue_depth", "Videos that wait."),
    running: gauge("videos_running", "Videos that are being made."),
    oldest: gauge("queue_oldest_seconds", "How long the video has waited that waits longest."),
    ledger: gauge("ledger_units", "The books over all accounts, in units of the currency.", ["book"]),
  };
}
