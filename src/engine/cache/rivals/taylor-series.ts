/** Extrapolation from results of earlier steps, as a linear combination of them. */

/**
 * The coefficients of a Taylor series whose derivatives are divided differences, as TaylorSeer forms them
 * (arXiv 2503.06923): the j-th derivative at a known step is the difference of the (j−1)-th there and at the known
 * step before, over the distance of the two.
 * @param known steps with a result, newest first; as many orders are used as there are results for
 * @param order the highest order
 * @param step the step to predict
 * @returns a coefficient for each known step that takes part, newest first
 */
export function taylorCoefficients(known: readonly number[], order: number, step: number): readonly number[] {
  const used = known.slice(0, order + 1);
  const [newest = 0] = used;
  // derivatives[k]: the current derivative at used[k], as coefficients of the results.
  let derivatives = used.map((_, k) => used.map((_, i): number => (i === k ? 1 : 0)));
  let sum: readonly number[] = used.map(() => 0);
  let weight = 1;
  for (let j = 0; j < used.length; j++) {
    const atNewest = derivatives[0] ?? [];
    sum = sum.map((s, i) => s + weight * (atNewest[i] ?? 0));
    weight *= (step - newest) / (j + 1);
    derivatives = derivatives.slice(1).map((older, k) => {
      const gap = (used[k] ?? 0) - (used[k + 1] ?? 0);
      return older.map((o, i) => ((derivatives[k]?.[i] ?? 0) - o) / gap);
    });
  }
  return sum;
}
