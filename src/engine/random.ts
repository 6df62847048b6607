/**
 * Noise by seed, the same as PyTorch's, so that a video here starts from the noise that it starts from there.
 */

import { boxMuller16 } from "./random/box-muller.ts";
import { Mt19937 } from "./random/mt19937.ts";

const BLOCK = 16;
const SEEDS = 1n << 64n;
const MOST_VALUES = 2 ** 31 - 1;

/**
 * Normal float32 numbers, the values that PyTorch on an x86-64 CPU gives for
 * `torch.randn(shape, generator=torch.Generator().manual_seed(seed))`, row by row.
 *
 * With 16 values or more, every bit is that of torch 2.13.0's x86-64 Linux wheel on a processor with AVX2 (with
 * AVX-512 too: PyTorch keeps this kernel at AVX2). With `ATEN_CPU_CAPABILITY=default` torch itself gives other last
 * bits in four values of ten; without AVX2 or on Arm other last bits are to be expected, and on a GPU other noise.
 *
 * With fewer than 16 values the arithmetic is float64, rounded to float32 once at the end. JavaScript leaves the last
 * bits of float64's `log1p`, `sin` and `cos` to the engine, which seldom shows after that rounding: no difference is
 * known on Node.js 24.
 *
 * As in PyTorch, only the low 32 bits of the seed matter, and a larger shape need not begin with the values of a
 * smaller one.
 *
 * Source: aten/src/ATen/native/cpu/DistributionTemplates.h (`normal_fill`) and
 * aten/src/ATen/core/DistributionsHelper.h (`normal_distribution`) of PyTorch 2.13.
 *
 * @param seed an integer, 0 .. 2^64 - 1; above `Number.MAX_SAFE_INTEGER` as a bigint.
 * @param shape sizes of the dimensions; `[]` is one value.
 * @throws RangeError where an argument is not as said.
 */
export function randn(seed: bigint | number, shape: readonly number[]): Float32Array {
  const generator = new Mt19937(lowBits(seed));
  const out = new Float32Array(count(shape));
  if (out.length < BLOCK) fillFew(out, generator);
  else fillMany(out, generator);
  return out;
}

function lowBits(seed: bigint | number): number {
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
    const fix = Number.isInteger(seed)
      ? "is not exact as a number. Give it as a bigint."
      : "is not an integer. Give one from 0 to 2^64 - 1.";
    throw new RangeError(`seed ${seed} ${fix}`);
  }
  const exact = BigInt(seed);
  if (exact < 0n || exact >= SEEDS) {
    throw new RangeError(`seed ${seed} is out of range. Give an integer from 0 to 2^64 - 1.`);
  }
  return Number(BigInt.asUintN(32, exact));
}

function count(shape: readonly number[]): number {
  let values = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new RangeError(`shape [${shape.join(", ")}] has the size ${size}. Give integers of at least 0.`);
    }
    values *= size;
  }
  if (!(values <= MOST_VALUES)) {
    throw new RangeError(
      `shape [${shape.join(", ")}] has more than ${MOST_VALUES} values. Give smaller sizes.`,
    );
  }
  return values;
}

/** Uniform float32 numbers from 24 bits each, then Box–Muller over blocks of 16. */
function fillMany(out: Float32Array, generator: Mt19937): void {
  const fillUniform = (from: number) => {
    for (let i = from; i < out.length; i++) out[i] = (generator.next() & 0xffffff) * 2 ** -24;
  };
  fillUniform(0);
  for (let start = 0; start + BLOCK <= out.length; start += BLOCK) boxMuller16(out, start);
  if (out.length % BLOCK === 0) return;
  // A last block that is not full is not cut short: the last 16 values are drawn afresh.
  const last = out.length - BLOCK;
  fillUniform(last);
  boxMuller16(out, last);
}

/** Box–Muller in float64, pair by pair. */
function fillFew(out: Float32Array, generator: Mt19937): void {
  for (let i = 0; i < out.length; i += 2) {
    const angle = 2 * Math.PI * uniform53(generator);
    const radius = Math.sqrt(-2 * Math.log1p(-uniform53(generator)));
    out[i] = radius * Math.cos(angle);
    // Of an odd number's last pair the second value falls outside and is dropped.
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
}

/** 53 bits, the upper 21 from one draw and the lower 32 from the next, as a fraction of 1. */
function uniform53(generator: Mt19937): number {
  const high = generator.next() & 0x1fffff;
  return (high * 2 ** 32 + (generator.next() >>> 0)) * 2 ** -53;
}
