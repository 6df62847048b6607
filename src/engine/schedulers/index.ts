/** Schedulers by the names that bundles use. */

import type { SchedulerManifest } from "../bundle/manifest.ts";
import type { Scheduler } from "./contract.ts";
import { Ddim } from "./ddim.ts";
import { FlowMatchEuler } from "./flow-match-euler.ts";
import { UniPC } from "./unipc.ts";

export type { Scheduler } from "./contract.ts";

/**
 * The scheduler that a bundle's manifest describes, for one run of `steps` steps: multistep schedulers keep a
 * history, so that each run needs its own. Throws `invalid_argument` for a number of steps that cannot be run.
 */
export function createScheduler(manifest: SchedulerManifest, steps: number): Scheduler {
  switch (manifest.kind) {
    case "ddim":
      return new Ddim(manifest, steps);
    case "flow_match_euler":
      return new FlowMatchEuler(manifest, steps);
    case "unipc":
      return new UniPC(manifest, steps);
  }
}
