/** The Mersenne twister. */

const SIZE = 624;
const SHIFT = 397;

/**
 * MT19937 (Matsumoto & Nishimura, 1998) with the seeding of their 2002 revision, which is also PyTorch's
 * CPU generator (`at::mt19937`) and C++'s `std::mt19937`.
 */
export class Mt19937 {
  readonly #state = new Uint32Array(SIZE);
  #next = SIZE;

  /** @param seed a uint32. */
  constructor(seed: number) {
    const state = this.#state;
    let word = seed >>> 0;
    state[0] = word;
    for (let i = 1; i < SIZE; i++) {
      word = (Math.imul(1812433253, word ^ (word >>> 30)) + i) >>> 0;
      state[i] = word;
    }
  }

  /** The next 32 bits, as an int32: callers keep some of them with `>>>` or `&`. */
  next(): number {
    if (this.#next === SIZE) this.#twist();
    let y = this.#state[this.#next++] as number; // #twist() left #next below SIZE.
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return y ^ (y >>> 18);
  }

  #twist(): void {
    const state = this.#state;
    // Every index below is in 0 .. SIZE - 1, so the reads are numbers.
    for (let i = 0; i < SIZE; i++) {
      const following = state[i + 1 < SIZE ? i + 1 : 0] as number;
      const partner = state[i + SHIFT < SIZE ? i + SHIFT : i + SHIFT - SIZE] as number;
      const mixed = ((state[i] as number) & 0x80000000) | (following & 0x7fffffff);
      state[i] = partner ^ (mixed >>> 1) ^ (following & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}
