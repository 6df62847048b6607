/** FasterCache's dynamic feature reuse: which combination of computed attention outputs stands in for the next one. */

/** Coefficients of computed outputs, by the number of the computation. */
type Combination = ReadonlyMap<number, number>;

export class AttentionHistory {
  readonly #weight: number;
  readonly #keepsReused: boolean;
  readonly #depth: number;
  #computed = 0;
  #before: Combination = new Map();
  #latest: Combination = new Map();

  /**
   * @param weight of the difference that is added
   * @param keepsReused true: an extrapolated output is a latest one, too, as in diffusers
   * @param depth how many computed outputs are kept; older ones count as the oldest of these
   */
  constructor(weight: number, keepsReused: boolean, depth: number) {
    this.#weight = weight;
    this.#keepsReused = keepsReused;
    this.#depth = depth;
  }

  /** An output is computed. */
  compute(): void {
    const output = new Map([[this.#computed, 1]]);
    this.#push(output, this.#computed === 0);
    this.#computed++;
  }

  /** An output is extrapolated: latest + weight · (latest − the one before), as coefficients by age. */
  reuse(): readonly number[] {
    const sum = new Map<number, number>();
    const add = (combination: Combination, factor: number) => {
      for (const [computation, coefficient] of combination) {
        sum.set(computation, (sum.get(computation) ?? 0) + factor * coefficient);
      }
    };
    add(this.#latest, 1 + this.#weight);
    add(this.#before, -this.#weight);
    if (this.#keepsReused) this.#push(sum, false);
    const kept = Math.min(this.#depth, this.#computed);
    const byAge = new Array<number>(kept).fill(0);
    for (const [computation, coefficient] of sum) {
      const age = Math.min(this.#computed - 1 - computation, kept - 1);
      byAge[age] = (byAge[age] ?? 0) + coefficient;
    }
    return byAge;
  }

  /** The first output stands for the one before it, too. */
  #push(output: Combination, first: boolean): void {
    this.#before = first ? output : this.#latest;
    this.#latest = output;
  }
}
