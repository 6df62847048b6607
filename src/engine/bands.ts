/**
 * Low and high frequencies of tensors of latent size, frame by frame and channel by channel, as FasterCache splits
 * the guidance difference (arXiv 2410.19355).
 */

/** The radius of the disc of low frequencies is this part of the shorter side. */
const RADIUS_DIVISOR = 5;

/** Splits frames of one size. */
export class Bands {
  readonly #rows: number;
  readonly #columns: number;
  readonly #radius: number;
  /** cos and sin of 2π·i/columns. */
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  /** By column frequency: the circular filter that leaves of rows what is within the disc. */
  readonly #rowFilters: readonly Float64Array[];
  /** A kept tensor is asked for step after step. */
  readonly #known = new WeakMap<Float32Array, Float32Array>();

  /** @param rows and columns: the last two dims of the latents */
  constructor(rows: number, columns: number) {
    this.#rows = rows;
    this.#columns = columns;
    this.#radius = Math.floor(Math.min(rows, columns) / RADIUS_DIVISOR);
    const angles = Float64Array.from({ length: columns }, (_, i) => (2 * Math.PI * i) / columns);
    this.#cos = angles.map(Math.cos);
    this.#sin = angles.map(Math.sin);
    this.#rowFilters = Array.from({ length: this.#radius + 1 }, (_, v) =>
      lowPass(rows, Math.floor(Math.sqrt(this.#radius ** 2 - v ** 2))),
    );
  }

  /** The low frequencies of a tensor, any number of frames; what it lacks of the tensor are the high ones. */
  low(tensor: Float32Array): Float32Array {
    const known = this.#known.get(tensor);
    if (known) return known;
    const size = this.#rows * this.#columns;
    const low = new Float32Array(tensor.length);
    for (let start = 0; start < tensor.length; start += size) {
      low.set(this.#lowOf(tensor.subarray(start, start + size)), start);
    }
    this.#known.set(tensor, low);
    return low;
  }

  /** One frame. Of a real frame the column frequencies −v mirror v: they count by doubling. */
  #lowOf(frame: Float32Array): Float64Array {
    const [rows, columns] = [this.#rows, this.#columns];
    const sum = new Float64Array(rows * columns);
    for (let v = 0; v <= this.#radius; v++) {
      const filter = this.#rowFilters[v] ?? new Float64Array(rows);
      const even = circular(filter, this.#project(frame, v, this.#cos));
      const odd = circular(filter, this.#project(frame, v, this.#sin));
      const weight = (v === 0 ? 1 : 2) / columns;
      for (let h = 0; h < rows; h++) {
        for (let w = 0; w < columns; w++) {
          const angle = (v * w) % columns;
          const wave = (even[h] ?? 0) * (this.#cos[angle] ?? 0) + (odd[h] ?? 0) * (this.#sin[angle] ?? 0);
          sum[h * columns + w] = (sum[h * columns + w] ?? 0) + weight * wave;
        }
      }
    }
    return sum;
  }

  /** Of each row the sum of its values times a wave of the column frequency v. */
  #project(frame: Float32Array, v: number, wave: Float64Array): Float64Array {
    const [rows, columns] = [this.#rows, this.#columns];
    const sums = new Float64Array(rows);
    for (let h = 0; h < rows; h++) {
      let sum = 0;
      for (let w = 0; w < columns; w++) sum += (frame[h * columns + w] ?? 0) * (wave[(v * w) % columns] ?? 0);
      sums[h] = sum;
    }
    return sums;
  }
}

/** The circular filter that passes the frequencies −reach … reach of n values: Dirichlet's kernel. */
function lowPass(n: number, reach: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 1;
    for (let u = 1; u <= reach; u++) sum += 2 * Math.cos((2 * Math.PI * u * i) / n);
    return sum / n;
  });
}

function circular(filter: Float64Array, values: Float64Array): Float64Array {
  const n = values.length;
  return values.map((_, at) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (filter[i] ?? 0) * (values[(at - i + n) % n] ?? 0);
    return sum;
  });
}
