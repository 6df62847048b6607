/** One sweep of orphans, by whoever can reach both the database and the store. */

import type { ServerConfig } from "../config/index.ts";
import type { Log } from "../logging.ts";
import { type OrphanOptions, type OrphansSwept, sweepOrphans } from "../worker/index.ts";
import { openCore } from "./core.ts";
import { checkInstallation, openStore, placeOf } from "./store.ts";

export type SweepOptions = Pick<OrphanOptions, "dryRun" | "force" | "onOrphan">;

/**
 * Deletes files that no video has, as `sweepOrphans` says.
 * @throws MixcacheError `installation_mismatch`, and those of the database and the store; `database_locked` where a
 * server has the embedded database
 */
export async function sweepStore(
  config: ServerConfig,
  log: Log,
  options: SweepOptions,
): Promise<OrphansSwept> {
  const core = await openCore(config, log);
  try {
    const { store } = await openStore(config, config.publicUrl ?? "http://localhost");
    await checkInstallation(core.database, store, placeOf(config));
    return await sweepOrphans({
      ...options,
      jobs: core.jobs,
      store,
      windowDays: config.orphanWindowDays,
      nowMs: Date.now(),
    });
  } finally {
    await core.close();
  }
}
