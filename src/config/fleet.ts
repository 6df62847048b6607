/** How many workers there are to be, and who starts them. */

import type { LauncherPlace } from "../launch/contract.ts";
import { refuse } from "./environment.ts";
import type { Variables } from "./variables/index.ts";

/** Scaling, as a server is told of it. */
export interface FleetConfig {
  readonly maxWorkers: number;
  readonly targetWaitSeconds: number;
  readonly workerStartSeconds: number;
  /** Undefined: nobody is asked for workers. */
  readonly launcher?: LauncherPlace;
  /** By what a launcher knows this process; undefined: no launcher started it. */
  readonly workerId?: string;
}

/** @throws MixcacheError `invalid_argument` for a launcher that is not told what to start */
export function fleetConfig(given: Variables): FleetConfig {
  const { WORKER_ID } = given;
  const launcher = launcherOf(given);
  return {
    maxWorkers: given.MAX_WORKERS,
    targetWaitSeconds: given.TARGET_WAIT_SECONDS,
    workerStartSeconds: given.WORKER_START_SECONDS,
    ...(launcher && { launcher }),
    ...(WORKER_ID !== undefined && { workerId: WORKER_ID }),
  };
}

function launcherOf(given: Variables): LauncherPlace | undefined {
  switch (given.LAUNCHER) {
    case "none":
      return undefined;
    case "local":
      if (given.DATABASE_URL === undefined)
        refuse(
          "LAUNCHER",
          "LAUNCHER is “local” and DATABASE_URL is not set. Workers are processes of their own, which need a PostgreSQL that they share.",
        );
      return { kind: "local" };
    case "batch":
      return {
        kind: "batch",
        queue: needed(given, "BATCH_JOB_QUEUE"),
        definition: needed(given, "BATCH_JOB_DEFINITION"),
      };
    case "cloud-run-jobs":
      return { kind: "cloud-run-jobs", job: needed(given, "CLOUD_RUN_JOB") };
  }
}

function needed(
  given: Variables,
  name: "BATCH_JOB_QUEUE" | "BATCH_JOB_DEFINITION" | "CLOUD_RUN_JOB",
): string {
  return given[name] ?? refuse(name, `LAUNCHER is “${given.LAUNCHER}” and ${name} is not set. Set ${name}.`);
}
