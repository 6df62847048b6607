/** Mends and tidies: has the jobs swept, and removes the files of deleted videos. */

import { folderOf, type Jobs } from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import { type ObjectStore, removeAll } from "../storage/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import type { Timers } from "./timers.ts";

export interface JanitorOptions {
  readonly jobs: Pick<Jobs, "sweep" | "purgeable" | "purged">;
  readonly store: ObjectStore;
  readonly timers: Timers;
  readonly log: Log;
  /** Counts videos that ended without a worker; undefined: nothing does. */
  readonly metrics?: Metrics;
}

const EVERY_MS = 5000;
/** Videos whose files are removed at a time. */
const PURGE_AT_ONCE = 50;

/** Works until the signal is aborted. Any number of processes may have one. */
export async function runJanitor(options: JanitorOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await tidy(options);
    } catch (error) {
      if (!signal.aborted) options.log.error({ error }, "the sweep failed");
    }
    await options.timers.wait(EVERY_MS, signal);
  }
}

/** One round. */
export async function tidy({ jobs, store, log, metrics }: Omit<JanitorOptions, "timers">): Promise<void> {
  const swept = await jobs.sweep();
  if (Object.values(swept).some((count) => count > 0)) log.info({ ...swept }, "the sweep mended something");
  metrics?.ended("worker_lost", swept.lost);
  metrics?.ended("deadline_exceeded", swept.expired);
  const ids = await jobs.purgeable(PURGE_AT_ONCE);
  for (const id of ids) await removeAll(store, folderOf(id));
  if (ids.length > 0) await jobs.purged(ids);
}
