/** PGlite's folder as one file, and back; and whether a database is in use. */

import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { MixcacheError } from "../errors.ts";
import type { Database } from "./database-contract.ts";
import { lockFolder } from "./lock.ts";
import { ACCOUNTS_TABLE, ANY_ACCOUNT } from "./sql/accounts.ts";

/** Whether it has accounts. */
export async function isInUse(database: Database): Promise<boolean> {
  const [table] = await database.query<{ name: string | null }>(ACCOUNTS_TABLE);
  return table?.name != null && (await database.query(ANY_ACCOUNT)).length > 0;
}

/**
 * A gzipped tar of it.
 * @throws MixcacheError `database_locked` where a process has it open, `database_unavailable`
 */
export async function dumpFolder(folder: string): Promise<Uint8Array> {
  if (!existsSync(folder))
    throw new MixcacheError("database_unavailable", `There is no database in ${folder}. Check DATA_DIR.`);
  const { dumpPglite } = await import("./pglite.ts");
  return dumpPglite(folder);
}

/**
 * Makes the folder of a dump; what was there before stays until the new one is whole.
 * @throws MixcacheError `database_not_empty`, `database_locked`, `database_unavailable`
 */
export async function loadFolder(folder: string, dump: Uint8Array, force: boolean): Promise<void> {
  if (existsSync(folder) && !force)
    throw new MixcacheError(
      "database_not_empty",
      `There is a database in ${folder}. Set another DATA_DIR, or add --force to replace it.`,
    );
  await mkdir(path.dirname(folder), { recursive: true });
  const unlock = lockFolder(folder);
  try {
    const [coming, going] = [`${folder}.restoring`, `${folder}.replaced`];
    for (const left of [coming, going]) await rm(left, { recursive: true, force: true });
    const { loadPglite } = await import("./pglite.ts");
    await loadPglite(coming, dump);
    if (existsSync(folder)) await rename(folder, going);
    await rename(coming, folder);
    await rm(going, { recursive: true, force: true });
  } finally {
    unlock();
  }
}
