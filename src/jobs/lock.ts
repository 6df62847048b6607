/** One process alone has a folder's database open. */

import { MixcacheError, messageOf } from "../errors.ts";
import { tryLock } from "../file-lock.ts";

/**
 * Locks `<folder>.lock` for this process.
 * @returns what releases it
 * @throws MixcacheError `database_locked`, `storage_failed` where there is no writing
 */
export function lockFolder(folder: string): () => void {
  const release = lockOf(`${folder}.lock`);
  if (release) return release;
  throw new MixcacheError(
    "database_locked",
    `Another process has the database in ${folder} open. Stop it, choose another folder with DATA_DIR, or set DATABASE_URL to a PostgreSQL that several processes can share.`,
  );
}

function lockOf(file: string): (() => void) | undefined {
  try {
    return tryLock(file);
  } catch (error) {
    throw new MixcacheError(
      "storage_failed",
      `${file} can't be written (${messageOf(error)}). Check DATA_DIR and who may write there.`,
      { cause: error },
    );
  }
}
