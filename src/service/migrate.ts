/** The one command that brings a shared database up to date. */

import type { ServerConfig } from "../config/index.ts";
import { MIGRATIONS, migrate } from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import { databaseOf, openCore } from "./core.ts";

/**
 * Applies what is missing, the queue's own schema too. Any number may run at once.
 * @returns the steps that were applied
 * @throws MixcacheError `database_newer`, `database_unavailable`, `database_locked`
 */
export async function migrateDatabase(config: ServerConfig, log: Log): Promise<readonly string[]> {
  const database = await databaseOf(config);
  const applied = await migrate(database, MIGRATIONS).finally(() => database.close());
  // Opening the jobs makes the queue.
  const core = await openCore(config, log, { schema: "make" });
  await core.close();
  return applied;
}
