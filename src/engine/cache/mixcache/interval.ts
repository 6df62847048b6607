/**
 * How many steps lie between two full ones, from the deviation observed at each of them: above one threshold fewer,
 * below another more (MixCache's δ2 and δ1). The thresholds are in units of the prompt's own warm-up, so that nobody
 * has to know them: δ1 = 0.75 and δ2 = 1.5 times its median deviation, times κ. The scaling is ours.
 */

const START = 2;
const LOWER = 0.75;
const UPPER = 1.5;

export class FeedbackInterval {
  readonly #quality: number;
  readonly #most: number;
  #warmUp: number[] = [];
  #interval = START;
  #margin = Number.POSITIVE_INFINITY;

  /**
   * @param quality κ: larger allows larger deviations
   * @param most steps from one full one to the next
   */
  constructor(quality: number, most: number) {
    this.#quality = quality;
    this.#most = most;
  }

  /** Before caching starts: how far a prediction of the next step is off. */
  warmUp(deviation: number): void {
    this.#warmUp.push(deviation);
  }

  /** Whether the warm-up has shown anything: without it there are no thresholds. */
  get ready(): boolean {
    return this.#warmUp.length > 0;
  }

  /** At a full step after cached ones. */
  observe(deviation: number): void {
    const unit = median(this.#warmUp) * this.#quality;
    if (!(unit > 0)) return;
    for (const threshold of [LOWER * unit, UPPER * unit]) {
      // The threshold is measured, too: both may be wrong by the same share in opposite directions.
      const apart = Math.abs(deviation - threshold) / (deviation + threshold);
      this.#margin = Math.min(this.#margin, apart);
    }
    if (deviation > UPPER * unit) this.#interval = Math.max(1, this.#interval - 1);
    else if (deviation < LOWER * unit) this.#interval = Math.min(this.#most, this.#interval + 1);
  }

  /** Whether the step is due, so many steps after the last full one. */
  due(lag: number): boolean {
    return lag >= this.#interval;
  }

  get interval(): number {
    return this.#interval;
  }

  get margin(): number {
    return this.#margin;
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
