/** Disturbed runs, by which calibration learns what an error at a step costs at the end. */

import type { Branch, CachePolicy, ReusablePart } from "../cache/contract.ts";
import type { Granularity } from "../cache/mixcache/granularity.ts";

/** The size of a disturbance over that of what it disturbs. */
export const DISTURBANCE = 0.01;
const MOST_PROBES = 8;

/** Steps spread evenly over a run, the first and the last among them. */
export function probeSteps(steps: number): readonly number[] {
  const count = Math.min(MOST_PROBES, steps);
  const places = Array.from({ length: count }, (_, i) =>
    count > 1 ? Math.round((i * (steps - 1)) / (count - 1)) : 0,
  );
  return [...new Set(places)];
}

/**
 * Disturbs a part in one step: `cfg` in the branch `uncond`, everything else in every branch, each by a noise of its
 * own. Other steps run as they are.
 */
export function disturbing(
  granularity: Granularity,
  part: ReusablePart,
  at: number,
  seed: number,
): CachePolicy {
  const plan = (branch: Branch) =>
    ({ kind: "perturbed", part, ratio: DISTURBANCE, seed: seed + (branch === "cond" ? 0 : 50) }) as const;
  const branches = { ...(granularity !== "cfg" && { cond: plan("cond") }), uncond: plan("uncond") };
  return {
    name: "calibration",
    requires: { keep: [], signals: [], cuts: [] },
    start: () => ({
      plan: ({ index }) => ({ kind: "run", branches: index === at ? branches : {} }),
      measureAfter: () => [],
      observe: () => undefined,
      event: () => {},
    }),
  };
}
