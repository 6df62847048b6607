/** A lock that the operating system releases when its holder dies, however it dies. */

import { DatabaseSync } from "node:sqlite";

/**
 * Locks a file, made if it isn't there, for this process. SQLite's exclusive transaction is a lock on the open file, so
 * no stale lock outlives a kill. Containers on one machine see each other's; network file systems may not.
 * @returns what releases it, or undefined while another process has it
 */
export function tryLock(path: string): (() => void) | undefined {
  const file = new DatabaseSync(path, { timeout: 0 });
  try {
    file.exec("begin exclusive");
  } catch (error) {
    file.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return () => file.close();
}

/** SQLITE_BUSY */
const BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === BUSY;
}
