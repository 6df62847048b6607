/** Both kinds of database, for suites that have to hold on either. */

import { afterAll, beforeAll } from "vitest";
import { type Database, openDatabase } from "../../src/jobs/index.ts";
import { type Postgres, startPostgres } from "./postgres.ts";

export interface Databases {
  /** For `describe.each`: a name, and what opens an empty one. */
  readonly kinds: readonly (readonly [name: string, open: () => Promise<Database>])[];
  /** Makes an empty database on the PostgreSQL. @returns its URL */
  url(): Promise<string>;
}

/** A PostgreSQL that starts before the file's tests and ends after them, beside PGlite in memory. */
export function bothDatabases(): Databases {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());
  const url = () => postgres.database();
  return {
    kinds: [
      ["PGlite", () => openDatabase("memory")],
      ["PostgreSQL", async () => openDatabase({ url: await url() })],
    ],
    url,
  };
}
