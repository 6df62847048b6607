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
  const { spans, longest } = spanCosts(costs, steps);
  // Of each step: the least cost of a schedule that ends with it computed; and, round by round, the computed step before
  // it. Flat arrays, since a run that adapts asks again at every step that it computes.
  let best = new Float64Array(steps).fill(NEVER);
  let shorter = new Float64Array(steps);
  best[0] = 0;
  const rounds: Int32Array[] = [];
  for (let computed = 1; computed < fullSteps; computed++) {
    [best, shorter] = [shorter, best];
    best.fill(NEVER);
    const befores = new Int32Array(steps);
    // As many steps as are still to be computed have to come after it.
    const latest = steps - fullSteps + computed;
    for (let step = computed; step <= latest; step++) {
      let least = NEVER;
      for (let before = Math.max(computed - 1, step - longest); before < step; before++) {
        const cost = (shorter[before] as number) + (spans[before * longest + step - before - 1] as number);
        if (cost >= least) continue;
        least = cost;
        befores[step] = before;
      }
      best[step] = least;
    }
    rounds.push(befores);
  }
  const last = steps - 1;
  if (fullSteps < 1 || !Number.isFinite(best[last])) return undefined;
  const full = Array<boolean>(steps).fill(false);
  full[0] = true;
  let step = last;
  for (const befores of rounds.toReversed()) {
    full[step] = true;
    step = befores[step] ?? 0;
  }
  return full;
}

/** Of each computed step, `longest` entries: what it costs if the next computed one comes 1, 2, 3 … steps later. */
function spanCosts(
  costs: readonly (readonly number[])[],
  steps: number,
): { readonly spans: Float64Array; readonly longest: number } {
  let longest = 1;
  for (let step = 0; step < steps; step++) longest = Math.max(longest, 1 + (costs[step]?.length ?? 0));
  const spans = new Float64Array(steps * longest).fill(NEVER);
  for (let step = 0; step < steps; step++) {
    const row = costs[step] ?? [];
    let sum = 0;
    spans[step * longest] = 0;
    for (let skipped = 1; skipped <= row.length; skipped++) {
      sum += row[skipped - 1] as number;
      spans[step * longest + skipped] = sum;
    }
  }
  return { spans, longest };
}
