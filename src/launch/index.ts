/** Starting workers on the platform that the configuration names. */

import { batchLauncher } from "./batch.ts";
import { cloudRunJobsLauncher } from "./cloud-run-jobs.ts";
import type { Launcher, LauncherPlace } from "./contract.ts";
import { type LocalOptions, localLauncher } from "./local.ts";

export { type Launcher, type LauncherPlace, WORKER_ID } from "./contract.ts";

/** @param local how a worker is started on this machine */
export function openLauncher(place: LauncherPlace, local: LocalOptions): Launcher {
  switch (place.kind) {
    case "local":
      return localLauncher(local);
    case "batch":
      return batchLauncher(place);
    case "cloud-run-jobs":
      return cloudRunJobsLauncher({ ...place, fetch });
  }
}
