/** Says again and again that a worker lives, so that nobody starts another one in its place. */

import type { Presence } from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import type { Timers } from "./timers.ts";

export interface PresentOptions {
  readonly presence: Presence;
  readonly timers: Timers;
  readonly everyMs: number;
  readonly log: Log;
}

/** A worker that is counted; what the database does not hear in time is heard with the next beat. */
export class Present {
  readonly #options: PresentOptions;
  #ready = false;
  #left = new AbortController();
  #beating: Promise<void> = Promise.resolve();

  constructor(options: PresentOptions) {
    this.#options = options;
  }

  /** From now on it counts: as starting, until it is ready. */
  enter(): void {
    this.#left = new AbortController();
    this.#beating = this.#beat(this.#left.signal);
  }

  /** It takes videos. */
  async ready(): Promise<void> {
    this.#ready = true;
    await this.#say(() => this.#options.presence.alive(true));
  }

  /** It counts no more. */
  async leave(): Promise<void> {
    if (this.#left.signal.aborted) return;
    this.#left.abort();
    await this.#beating;
    await this.#say(() => this.#options.presence.gone());
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { presence, timers, everyMs } = this.#options;
    while (!signal.aborted) {
      await this.#say(() => presence.alive(this.#ready));
      await timers.wait(everyMs, signal);
    }
  }

  async #say(what: () => Promise<void>): Promise<void> {
    await what().catch((error: unknown) =>
      this.#options.log.warn({ error }, "nobody could be told that this worker lives"),
    );
  }
}
