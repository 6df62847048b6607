/**
 * Which steps to compute so that reuse in between costs least: the inner problem of GCache, in the spirit of LeMiCa
 * and DPCache (arXiv 2602.22654). Dynamic programming over the last computed step, O(K·N·longest leap).
 */

const NEVER = Number.POSITIVE_INFINITY;

/**
 * The cheapest schedule with exactly `fullSteps` computed steps, the first and the last step of the run among them.
 * Of equally cheap ones it is the one that computes earlier.
 * @param costs costs[a][k]: what it costs that step a + k + 1 reuses step a; where a row ends, reuse is impossible
 * @returns true for each step that is computed; undefined where no schedule has so many
 */
export function bestSchedule(
  costs: readonly (readonly number[])[],
  steps: number,
  fullSteps: number,
): readonly boolean[] | undefined {
  const all = Array.from({ length: steps }, (_, step) => step);
  const spans = all.map((step) => spanCosts(costs[step] ?? []));
  const longest = Math.max(...spans.map((ofStep) => ofStep.length));
  // Of each step: the least cost of a schedule that ends with it computed, and the computed step before it.
  let best = all.map((step) => ({ cost: step === 0 ? 0 : NEVER, before: 0 }));
  const rounds: (typeof best)[] = [];
  for (let computed = 1; computed < fullSteps; computed++) {
    rounds.push(best);
    const shorter = best;
    best = all.map((step) => {
      let found = { cost: NEVER, before: 0 };
      for (let before = Math.max(0, step - longest); before < step; before++) {
        const cost = (shorter[before]?.cost ?? NEVER) + (spans[before]?.[step - before - 1] ?? NEVER);
        if (cost < found.cost) found = { cost, before };
      }
      return found;
    });
  }
  rounds.push(best);
  const last = steps - 1;
  if (fullSteps < 1 || !Number.isFinite(best[last]?.cost)) return undefined;
  const full = all.map(() => false);
  let step = last;
  for (const round of rounds.toReversed()) {
    full[step] = true;
    step = round[step]?.before ?? 0;
  }
  return full;
}

/** Of one computed step: what it costs if the next computed one comes 1, 2, 3 … steps later. */
function spanCosts(row: readonly number[]): readonly number[] {
  const spans = [0];
  for (const cost of row) spans.push((spans.at(-1) ?? 0) + cost);
  return spans;
}
