/** Time that stands still until a test moves it. */

import { setImmediate } from "node:timers/promises";
import type { Timers } from "../../src/worker/index.ts";

export class ManualTimers implements Timers {
  #nowMs = 1_800_000_000_000;
  #sleepers: { readonly untilMs: number; readonly wake: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#sleepers.push({ untilMs: this.#nowMs + ms, wake: resolve });
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Moves on step by step, and lets everything happen that is due. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await setImmediate();
    for (;;) {
      const next = Math.min(...this.#sleepers.map(({ untilMs }) => untilMs));
      if (next > endMs) break;
      this.#nowMs = Math.max(this.#nowMs, next);
      const due = this.#sleepers.filter(({ untilMs }) => untilMs <= next);
      this.#sleepers = this.#sleepers.filter((sleeper) => !due.includes(sleeper));
      for (const { wake } of due) wake();
      await setImmediate();
    }
    this.#nowMs = endMs;
  }
}
