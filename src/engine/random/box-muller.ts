/**
 * The Box–Muller transform in float32, operation by operation as PyTorch's AVX2 kernel does it.
 *
 * The polynomials are those of Cephes (logf, sinf, cosf; S. Moshier), which PyTorch has through avx_mathfun.h. The
 * source asks for separate products and sums; the compiler fused most pairs of them. Which ones was read from the
 * machine code of `NormalFill16<float>` in the x86-64 Linux wheel of torch 2.13.0: `fma` below stands for an FMA there,
 * `fround` for a rounded product or sum. Products that are exact in float32 (by a half, by one, of small integers and
 * short constants) need no rounding.
 */

import { fma } from "./fma.ts";

const fround = Math.fround;

const SQRT_HALF = fround(Math.SQRT1_2);
const TWO_PI = fround(2 * Math.PI);
const FOUR_OVER_PI = fround(4 / Math.PI);

const LOG = Float32Array.of(
  7.0376836292e-2,
  -1.151461031e-1,
  1.167699874e-1,
  -1.2420140846e-1,
  1.4249322787e-1,
  -1.6668057665e-1,
  2.0000714765e-1,
  -2.4999993993e-1,
  3.3333331174e-1,
);
// ln 2 in two parts, the first short enough that its product with an exponent is exact.
const LN2_HIGH = fround(0.693359375);
const LN2_LOW = fround(-2.1219444e-4);

// π/4 in three parts, negated, the first two short enough that their products with an octant are exact.
const QUARTER_PI_1 = fround(-0.78515625);
const QUARTER_PI_2 = fround(-2.4187564849853516e-4);
const QUARTER_PI_3 = fround(-3.774894977445941e-8);

const COS_0 = fround(2.443315711809948e-5);
const COS_1 = fround(-1.388731625493765e-3);
const COS_2 = fround(4.166664568298827e-2);
const SIN_0 = fround(-1.9515295891e-4);
const SIN_1 = fround(8.3321608736e-3);
const SIN_2 = fround(-1.6666654611e-1);

/** ln u of a float32 number in 2⁻²⁴ .. 1. */
function log(u: number): number {
  // u = mantissa · 2^exponent with the mantissa in √½ .. √2.
  let exponent = 0;
  let mantissa = u;
  while (mantissa < 0.5) {
    mantissa *= 2;
    exponent--;
  }
  if (mantissa < SQRT_HALF) {
    mantissa *= 2;
    exponent--;
  }
  const x = mantissa - 1;
  const square = fround(x * x);
  let y = LOG[0] as number; // LOG has nine coefficients.
  for (let i = 1; i < 9; i++) y = fma(y, x, LOG[i] as number);
  y = fma(fround(y * x), square, fround(exponent * LN2_LOW));
  y = fround(y - 0.5 * square);
  return fround(fround(x + y) + exponent * LN2_HIGH);
}

/**
 * Turns 16 uniform numbers at `data[start]`, multiples of 2⁻²⁴ in 0 .. 1 (1 excluded), into 16 normal ones in place:
 * the first eight give radii, the last eight angles; cosines go to the first eight, sines to the last.
 */
export function boxMuller16(data: Float32Array, start: number): void {
  // The caller has 16 numbers from `start` on, so the reads are numbers.
  for (let i = start; i < start + 8; i++) {
    const radius = fround(Math.sqrt(-2 * log(1 - (data[i] as number))));
    const angle = fround(TWO_PI * (data[i + 8] as number));

    // The octant rounded to even: 0, 2, 4, 6 or 8 eighths of a turn are taken off.
    const octant = (Math.trunc(fround(angle * FOUR_OVER_PI)) + 1) & ~1;
    const coarse = fround(fround(angle + octant * QUARTER_PI_1) + octant * QUARTER_PI_2);
    const x = fma(octant, QUARTER_PI_3, coarse);
    const square = fround(x * x);

    const even = fround(square * fma(fma(COS_0, square, COS_1), square, COS_2));
    const cosine = fround(fma(square, even, -0.5 * square) + 1);
    const odd = fround(square * fma(fma(SIN_0, square, SIN_1), square, SIN_2));
    const sine = fma(x, odd, x);

    // A quarter turn swaps sine and cosine; half a turn negates both. Adding zero, as the kernel adds the mean, makes
    // negative zeros positive.
    const swap = (octant & 2) !== 0;
    const c = swap ? sine : cosine;
    const s = swap ? cosine : sine;
    data[i] = fround(radius * (octant === 2 || octant === 4 ? -c : c)) + 0;
    data[i + 8] = fround(radius * ((octant & 4) !== 0 ? -s : s)) + 0;
  }
}
