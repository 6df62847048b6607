/** float32 arithmetic on tensors in TypeScript's memory, rounded as the frameworks round it. */

import type { Reduction } from "./segments/contract.ts";

/** Σ coefficients[i] · tensors[i], accumulated in float64 and rounded once. */
export function linearCombination(
  coefficients: readonly number[],
  tensors: readonly Float32Array[],
): Float32Array {
  const length = tensors[0]?.length ?? 0;
  const sum = new Float64Array(length);
  tensors.forEach((tensor, t) => {
    const c = coefficients[t] ?? 0;
    for (let i = 0; i < length; i++) sum[i] = (sum[i] ?? 0) + c * (tensor[i] ?? 0);
  });
  return Float32Array.from(sum);
}

/** The scalar that a `Reduction` names; see its definition for the formulas. */
export function reduceHost(kind: Reduction, a: Float32Array, b: Float32Array, lastAxis: number): number {
  if (kind === "token_norm_ratio") return tokenNormRatio(a, b, lastAxis);
  let sum = 0;
  let reference = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] ?? 0;
    const y = b[i] ?? 0;
    if (kind === "dot") sum += x * y;
    else if (kind === "l2") sum += (x - y) ** 2;
    else sum += Math.abs(x - y);
    reference += Math.abs(y);
  }
  if (kind === "dot") return sum;
  if (kind === "l2") return Math.sqrt(sum);
  return kind === "l1" ? sum / a.length : sum / reference;
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
