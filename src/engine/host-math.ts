/** float32 arithmetic on tensors in TypeScript's memory, rounded as the frameworks round it. */

import type { Reduction } from "./segments/contract.ts";

/**
 * Σ coefficients[i] · tensors[i], accumulated in float64 and rounded once. Predictions have two to four terms: for
 * those the sum stays in a register, which is several times faster.
 */
export function linearCombination(
  coefficients: readonly number[],
  tensors: readonly Float32Array[],
): Float32Array {
  const length = tensors[0]?.length ?? 0;
  const out = new Float32Array(length);
  const none = new Float32Array(0);
  const [a = none, b = none, c = none, d = none] = tensors;
  const [p = 0, q = 0, r = 0, s = 0] = coefficients;
  switch (tensors.length) {
    case 0:
      break;
    case 1:
      for (let i = 0; i < length; i++) out[i] = p * at(a, i);
      break;
    case 2:
      for (let i = 0; i < length; i++) out[i] = p * at(a, i) + q * at(b, i);
      break;
    case 3:
      for (let i = 0; i < length; i++) out[i] = p * at(a, i) + q * at(b, i) + r * at(c, i);
      break;
    case 4:
      for (let i = 0; i < length; i++) out[i] = p * at(a, i) + q * at(b, i) + r * at(c, i) + s * at(d, i);
      break;
    default:
      return longCombination(coefficients, tensors);
  }
  return out;
}

function longCombination(coefficients: readonly number[], tensors: readonly Float32Array[]): Float32Array {
  const sum = new Float64Array(tensors[0]?.length ?? 0);
  tensors.forEach((tensor, t) => {
    const c = coefficients[t] ?? 0;
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + c * at(tensor, i);
  });
  return Float32Array.from(sum);
}

/** An element that is known to exist: asking for undefined in every turn of a hot loop is not free. */
function at(tensor: Float32Array, i: number): number {
  return tensor[i] as number;
}

/** The scalar that a `Reduction` names; see its definition for the formulas. */
export function reduceHost(kind: Reduction, a: Float32Array, b: Float32Array, lastAxis: number): number {
  switch (kind) {
    case "token_norm_ratio":
      return tokenNormRatio(a, b, lastAxis);
    case "dot": {
      let sum = 0;
      for (let i = 0; i < a.length; i++) sum += at(a, i) * at(b, i);
      return sum;
    }
    case "l2": {
      let sum = 0;
      for (let i = 0; i < a.length; i++) sum += (at(a, i) - at(b, i)) ** 2;
      return Math.sqrt(sum);
    }
    case "l1":
      return distance(a, b) / a.length;
    case "relative_l1": {
      let reference = 0;
      for (let i = 0; i < b.length; i++) reference += Math.abs(at(b, i));
      return distance(a, b) / reference;
    }
  }
}

/**
 * `relative_l1` of a linear combination, rounded to float32, and b; without the combination in memory. Deviations are
 * taken at every full step and must not cost what they save.
 */
export function combinedRelativeL1(
  coefficients: readonly number[],
  tensors: readonly Float32Array[],
  b: Float32Array,
): number {
  const [x, y] = tensors;
  if (!x || !y || tensors.length !== 2)
    return reduceHost("relative_l1", linearCombination(coefficients, tensors), b, b.length);
  const [p = 0, q = 0] = coefficients;
  let sum = 0;
  let reference = 0;
  for (let i = 0; i < b.length; i++) {
    const value = at(b, i);
    sum += Math.abs(Math.fround(p * at(x, i) + q * at(y, i)) - value);
    reference += Math.abs(value);
  }
  return sum / reference;
}

/** Σ |a − b| */
function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(at(a, i) - at(b, i));
  return sum;
}

function tokenNormRatio(a: Float32Array, b: Float32Array, channels: number): number {
  let total = 0;
  for (let start = 0; start < a.length; start += channels) {
    let squaresA = 0;
    let squaresB = 0;
    for (let i = start; i < start + channels; i++) {
      squaresA += (a[i] ?? 0) ** 2;
      squaresB += (b[i] ?? 0) ** 2;
    }
    total += Math.sqrt(squaresA / squaresB);
  }
  return total / (a.length / channels);
}

/**
 * Classifier-free guidance, uncond + scale · (cond − uncond), each operation rounded to float32 as in PyTorch.
 * (Ho & Salimans, arXiv 2207.12598, in the form that diffusers uses.)
 */
export function guide(cond: Float32Array, uncond: Float32Array, guidanceScale: number): Float32Array {
  const scale = Math.fround(guidanceScale);
  const out = new Float32Array(cond.length);
  for (let i = 0; i < out.length; i++) {
    const u = uncond[i] ?? 0;
    out[i] = u + Math.fround(scale * Math.fround((cond[i] ?? 0) - u));
  }
  return out;
}
