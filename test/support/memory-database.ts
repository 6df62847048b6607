/** A database in memory with the whole schema, for tests that need tables and nothing else. */

import { type Database, MIGRATIONS, migrate, openDatabase } from "../../src/jobs/index.ts";

/** PGlite without a folder; gone when it is closed. */
export async function memoryDatabase(): Promise<Database> {
  const database = await openDatabase("memory");
  await migrate(database, MIGRATIONS);
  return database;
}
