/**
 * How far a trend may be followed. What a model computes from step to step is a smooth course plus something new in every
 * step that no line can know. Two neighbouring results differ mostly by the second, two distant ones mostly by the
 * first: a line through the former must hardly be followed, at times the better guess is their mean. Both shares are
 * estimated from the results of this very prompt as they come; nothing has to be known beforehand. (A linear trend
 * under white noise; the weight is that of least expected squared error.)
 */

/** What is newest counts half, what was before it the other half. */
const MEMORY = 0.5;
/** Never farther than so many times the distance of the two results. */
const FARTHEST = 4;

/** Scalar products of a result with itself and with the two before it. */
export interface Products {
  readonly own: number;
  readonly newest?: number;
  readonly older?: number;
}

interface Point {
  readonly sigma: number;
  readonly square: number;
}

export class Trend {
  #newest: Point | undefined;
  #older: Point | undefined;
  /** Scalar product of the two. */
  #cross = 0;
  /** Squared slope by noise level, and the squared size of what is new in each result. */
  #slope: number | undefined;
  #noise = 0;

  /** How many results are known, up to two: so many products with them can be had. */
  get known(): number {
    return this.#older ? 2 : this.#newest ? 1 : 0;
  }

  /** A result was computed at a noise level. */
  observe(sigma: number, { own, newest = 0, older = 0 }: Products): void {
    const [a, p] = [this.#newest, this.#older];
    if (a && p) {
      const ahead = a.sigma - sigma;
      const apart = p.sigma - a.sigma;
      const line = a.square + p.square - 2 * this.#cross;
      const along = newest - older - a.square + this.#cross;
      const slope = Math.max(0, (line + 2 * along) / (apart * (apart + 2 * ahead)));
      const noise = Math.max(0, (line - slope * apart * apart) / 2);
      const memory = this.#slope === undefined ? 0 : MEMORY;
      this.#slope = memory * (this.#slope ?? 0) + (1 - memory) * slope;
      this.#noise = memory * this.#noise + (1 - memory) * noise;
    }
    this.#older = a;
    this.#cross = newest;
    this.#newest = { sigma, square: own };
  }

  /**
   * The prediction is newest + weight · (newest − older).
   * @param ahead how far it lies ahead of the newest, in noise level
   * @param apart how far the older lies behind it
   */
  weight(ahead: number, apart: number): number {
    const line = ahead / apart;
    if (this.#slope === undefined) return Math.min(line, 1);
    const best =
      (this.#slope * ahead * apart - this.#noise) / (this.#slope * apart * apart + 2 * this.#noise);
    return Number.isFinite(best) ? Math.min(best, FARTHEST) : 0;
  }
}
