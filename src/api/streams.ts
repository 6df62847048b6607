/** How many requests this process holds open, and for whom: event streams, and answers that wait for a video's end. */

import { MixcacheError } from "../errors.ts";

/** The most at one time. */
export interface StreamLimits {
  readonly process: number;
  readonly account: number;
}

export class Streams {
  readonly #limits: StreamLimits;
  readonly #ofAccount = new Map<string, number>();
  #open = 0;

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** How many are open. */
  get open(): number {
    return this.#open;
  }

  /** Opens one more. @returns what closes it; undefined where there are as many as there may be */
  take(account: string): (() => void) | undefined {
    const count = this.#ofAccount.get(account) ?? 0;
    if (this.#open >= this.#limits.process || count >= this.#limits.account) return undefined;
    this.#open++;
    this.#ofAccount.set(account, count + 1);
    let closed = false;
    return () => {
      if (closed) return;
      closed = true;
      this.#open--;
      const left = (this.#ofAccount.get(account) ?? 1) - 1;
      if (left > 0) this.#ofAccount.set(account, left);
      else this.#ofAccount.delete(account);
    };
  }

  /** The same, or an error. @throws MixcacheError `streams_full` */
  mustTake(account: string): () => void {
    const release = this.take(account);
    if (release) return release;
    throw new MixcacheError(
      "streams_full",
      "As many event streams are open as may be. Close one, or ask for the video every few seconds instead.",
    );
  }
}
