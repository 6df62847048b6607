/** Watches that something far away is alive: it is asked again and again, and must have answered in time. */

/** A timer that fires this late says that this process stood still, not the other side. */
const LATE_MS = 250;

export interface HeartbeatOptions {
  readonly intervalMs: number;
  /** After so long without an answer the other side is hung. */
  readonly timeoutMs: number;
  readonly ask: () => void;
  readonly onHung: () => void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: NodeJS.Timeout | undefined;
  /** How long nothing was heard while this process was awake to hear it. */
  #silentMs = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#next();
  }

  /** The other side said something. */
  heard(): void {
    this.#silentMs = 0;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #next(): void {
    const { intervalMs, timeoutMs, ask, onHung } = this.#options;
    ask();
    const due = performance.now() + intervalMs;
    this.#timer = setTimeout(() => {
      const stoodStill = performance.now() > due + LATE_MS;
      if (!stoodStill) this.#silentMs += intervalMs;
      if (this.#silentMs >= timeoutMs) onHung();
      else this.#next();
    }, intervalMs);
    this.#timer.unref();
  }
}
