/** The fused multiply-add of float32 numbers. */

/**
 * a · b + c of float32 numbers, rounded once to float32, as a processor's FMA rounds it.
 *
 * The product of two float32 numbers is exact in float64; the sum with `c` may be rounded to float64 and then again
 * to float32. Rounding twice goes wrong only where the first rounding lands halfway between two float32 numbers, so
 * only there is the first rounding's error looked at. Results and intermediates must be float32 normals or zero,
 * which holds for every use in this folder.
 */
export function fma(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  const near = Math.fround(sum);
  const past = sum - near;
  if (past === 0) return near;
  const far = sum + past;
  if (Math.fround(far) !== far) return near;
  // Halfway between `near` and `far`: what the float64 sum dropped (Knuth's two-sum) decides.
  const cPart = sum - product;
  const dropped = product - (sum - cPart) + (c - cPart);
  return dropped !== 0 && dropped > 0 === past > 0 ? far : near;
}
