/** Opens the database that a configuration names: PostgreSQL by URL, PGlite in a folder or in memory. */

import type { Database } from "./database-contract.ts";
import { openPostgres } from "./postgres.ts";

/** Where the tables are. */
export type DatabasePlace =
  /** `postgres://…`, and how many connections this process may hold (default 10). */
  | { readonly url: string; readonly connections?: number }
  /** PGlite's folder, made if it is missing. Only one process may have it open. */
  | { readonly folder: string }
  /** PGlite without a folder: gone when it is closed. */
  | "memory";

/** @throws MixcacheError `database_unavailable`, `database_locked` */
export async function openDatabase(place: DatabasePlace): Promise<Database> {
  if (place !== "memory" && "url" in place) return openPostgres(place.url, place.connections);
  // Who has a PostgreSQL need not have PGlite, nor load it.
  const { openPglite } = await import("./pglite.ts");
  return openPglite(place === "memory" ? undefined : place.folder);
}
