/** float32 arithmetic on tensors in TypeScript's memory, rounded as the frameworks round it. */

import type { Reduction } from "./segments/contract.ts";

/**
 * Σ coefficients[i] · tensors[i], accumulated in float64 and rounded once. Predictions have two to four terms,
 * corrections three of each branch: for those the sum stays in a register, which is several times faster.
 * @param out is overwritten and returned; none of the tensors
 */
export function linearCombination(
  coefficients: readonly number[],
  tensors: readonly Float32Array[],
  out: Float32Array = new Float32Array(tensors[0]?.length ?? 0),
): Float32Array {
  const { length } = out;
  const none = new Float32Array(0);
  const [a = none, b = none, c = none, d = none, e = none, f = none] = tensors;
  const [p = 0, q = 0, r = 0, s = 0, t = 0, u = 0] = coefficients;
  switch (tensors.length) {
    case 0:
      out.fill(0);
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
    case 6:
      for (let i = 0; i < length; i++)
        out[i] = p * at(a, i) + q * at(b, i) + r * at(c, i) + s * at(d, i) + t * at(e, i) + u * at(f, i);
      break;
    default:
      longCombination(coefficients, tensors, out);
  }
  return out;
}

function longCombination(
  coefficients: readonly number[],
  tensors: readonly Float32Array[],
  out: Float32Array,
): void {
  const sum = new Float64Array(out.length);
  for (const [t, tensor] of tensors.entries()) {
    const c = coefficients[t] ?? 0;
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + c * at(tensor, i);
  }
  out.set(sum);
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
    case "dot":
      return dot(a, b);
    case "l2": {
      let sum = 0;
      for (let i = 0; i < a.length; i++) sum += (at(a, i) - at(b, i)) ** 2;
      return Math.sqrt(sum);
    }
    case "l1":
      return distance(a, b) / a.length;
    case "relative_l1": {
      let [off, reference] = [0, 0];
      for (let i = 0; i < b.length; i++) {
        off += Math.abs(at(a, i) - at(b, i));
        reference += Math.abs(at(b, i));
      }
      return off / reference;
    }
  }
}

/** Σ a · b, in four sums: a single one would wait for each addition before the next. */
function dot(a: Float32Array, b: Float32Array): number {
  let [s, t, u, v] = [0, 0, 0, 0];
  const even = a.length - (a.length % 4);
  for (let i = 0; i < even; i += 4) {
    s += at(a, i) * at(b, i);
    t += at(a, i + 1) * at(b, i + 1);
    u += at(a, i + 2) * at(b, i + 2);
    v += at(a, i + 3) * at(b, i + 3);
  }
  for (let i = even; i < a.length; i++) s += at(a, i) * at(b, i);
  return s + t + (u + v);
}

/**
 * The scalar products of a with itself, with b and with c, each to the bit as on its own, and `relative_l1` of the
 * prediction p·b + q·c from a: all that a full step asks of a result, in one pass. It is asked at every full step and
 * must not cost what it saves, so the prediction is not rounded to float32 first: that would move the sum by a few in a
 * hundred million, far below what two backends differ by.
 */
export function threeDotsAndDeviation(
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  p = 0,
  q = 0,
): readonly [own: number, withB: number, withC: number, deviation: number] {
  let [s, t, u, v] = [0, 0, 0, 0];
  let [sb, tb, ub, vb] = [0, 0, 0, 0];
  let [sc, tc, uc, vc] = [0, 0, 0, 0];
  let [off, offOdd, size, sizeOdd] = [0, 0, 0, 0];
  const even = a.length - (a.length % 4);
  for (let i = 0; i < even; i += 4) {
    let own = at(a, i);
    let first = at(b, i);
    let second = at(c, i);
    s += own * own;
    sb += own * first;
    sc += own * second;
    off += Math.abs(p * first + q * second - own);
    size += Math.abs(own);
    own = at(a, i + 1);
    first = at(b, i + 1);
    second = at(c, i + 1);
    t += own * own;
    tb += own * first;
    tc += own * second;
    offOdd += Math.abs(p * first + q * second - own);
    sizeOdd += Math.abs(own);
    own = at(a, i + 2);
    first = at(b, i + 2);
    second = at(c, i + 2);
    u += own * own;
    ub += own * first;
    uc += own * second;
    off += Math.abs(p * first + q * second - own);
    size += Math.abs(own);
    own = at(a, i + 3);
    first = at(b, i + 3);
    second = at(c, i + 3);
    v += own * own;
    vb += own * first;
    vc += own * second;
    offOdd += Math.abs(p * first + q * second - own);
    sizeOdd += Math.abs(own);
  }
  for (let i = even; i < a.length; i++) {
    const own = at(a, i);
    const first = at(b, i);
    const second = at(c, i);
    s += own * own;
    sb += own * first;
    sc += own * second;
    off += Math.abs(p * first + q * second - own);
    size += Math.abs(own);
  }
  return [s + t + (u + v), sb + tb + (ub + vb), sc + tc + (uc + vc), (off + offOdd) / (size + sizeOdd)];
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
    const u = at(uncond, i);
    out[i] = u + Math.fround(scale * Math.fround(at(cond, i) - u));
  }
  return out;
}
