/**
 * Which granularities are worth keeping results of. What is kept takes memory, and copies at every full step; a profile
 * knows where a granularity would ever be chosen.
 */

import type { RunInfo } from "../contract.ts";
import type { Profile } from "../profile.ts";
import { typicalDeviations } from "./deviation.ts";
import type { Granularity } from "./granularity.ts";
import { impactsOf } from "./impact.ts";

/** Steps since the last full one at which granularities are compared. */
const LAGS = [1, 2, 3, 4];
/** A granularity that wins in a smaller share of steps and lags is left out. */
const LEAST_SHARE = 0.1;

/**
 * `step`, and each other granularity whose expected error for the time saved is below that of `step` in some of the run;
 * also those of which the profile knows nothing.
 * @param costOf in full steps
 */
export function paying(
  granularities: readonly Granularity[],
  profile: Profile,
  run: Pick<RunInfo, "steps" | "sigmas" | "denoisers">,
  costOf: (granularity: Granularity) => number,
): readonly Granularity[] {
  const tables = typicalDeviations(profile, 1);
  const impacts = new Map(granularities.map((g) => [g, impactsOf(profile.impacts, g, run)]));
  const errorOf = (granularity: Granularity, step: number, lag: number) => {
    const deviation = tables[granularity]?.[lag - 1]?.[step];
    return deviation == null ? undefined : deviation * (impacts.get(granularity)?.[step] ?? 0);
  };
  const pays = (granularity: Granularity) => {
    let compared = 0;
    let won = 0;
    for (let step = 0; step < run.steps - 1; step++) {
      for (const lag of LAGS) {
        const [own, whole] = [errorOf(granularity, step, lag), errorOf("step", step, lag)];
        if (own === undefined || whole === undefined) continue;
        compared++;
        if (own / (1 - costOf(granularity)) < whole) won++;
      }
    }
    return compared === 0 || won / compared >= LEAST_SHARE;
  };
  const known = (granularity: Granularity) => profile.impacts[granularity]?.steps.length;
  return granularities.filter((g) => g === "step" || !known(g) || pays(g));
}
