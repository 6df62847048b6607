/** Time as the worker knows it; tests bring their own. */

import { setTimeout as wait } from "node:timers/promises";

export interface Timers {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** The system's. */
export const systemTimers: Timers = {
  nowMs: Date.now,
  wait: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
};
