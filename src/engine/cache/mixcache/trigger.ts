/**
 * When caching may start: once the model's output has settled for this prompt. The paper names a context-aware
 * trigger; its rule is not public, this one is ours: two computed steps in a row that changed the output little.
 */

export interface TriggerOptions {
  /** The first step at which caching may start, and the one at which it starts in any case. */
  readonly earliest: number;
  readonly latest: number;
  /**
   * The relative L1 change of the conditional output from step to step below which it has settled. Undefined where none
   * is known: then what counts is the deviation of predictions, once it is a quarter of the largest of the warm-up.
   */
  readonly change: number | undefined;
}

const SETTLED_SHARE = 0.25;

export class Trigger {
  readonly #options: TriggerOptions;
  #calm = 0;
  #largest = 0;
  #open = false;
  /** How near the changes so far came to the threshold, by the share that they may be wrong. */
  #margin = Number.POSITIVE_INFINITY;

  constructor(options: TriggerOptions) {
    this.#options = options;
  }

  /** The relative L1 change of the output in a step computed in full, or else the deviation found there. */
  observe(change: number): void {
    if (this.#open) return;
    this.#largest = Math.max(this.#largest, change);
    const threshold = this.#options.change ?? SETTLED_SHARE * this.#largest;
    // A threshold that is measured itself may be wrong by the same share in the opposite direction.
    const scale = this.#options.change === undefined ? change + threshold : Math.max(change, threshold);
    this.#margin = Math.min(this.#margin, Math.abs(change - threshold) / scale);
    this.#calm = change < threshold ? this.#calm + 1 : 0;
  }

  /** Whether this step may reuse anything. Once open it stays open. */
  opensAt(step: number): boolean {
    const { earliest, latest } = this.#options;
    this.#open ||= step >= latest || (step >= earliest && this.#calm >= 2);
    return this.#open;
  }

  get margin(): number {
    return this.#margin;
  }
}
