/** Predictions carried out on small vectors. */

import type { Kept, Prediction } from "../../src/engine/cache/contract.ts";

export type Vector = readonly number[];

/** What a prediction gives, from what is kept and the current latents. */
export function predictedBy(
  { terms, latents: share = 0 }: Prediction,
  kept: (result: Kept) => Vector,
  latents: Vector,
): Vector {
  return latents.map((x, i) =>
    terms.reduce((sum, term) => sum + term.coefficient * (kept(term)[i] ?? Number.NaN), share * x),
  );
}

export function dot(a: Vector, b: Vector): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);
}

/** Numbers from 0 up to 1 that are the same in every run. */
export function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
