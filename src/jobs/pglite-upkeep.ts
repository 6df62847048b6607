/**
 * What a server's autovacuum does and PGlite leaves undone: rows that are gone make room, and plans are made for tables
 * as they have become. Without it a table with a hundred thousand videos is read as if it had forty.
 */

import type { PGlite } from "@electric-sql/pglite";

/** It is done whenever the connection was used as often as before, and then each time that often: half a second. */
const FIRST_AFTER = 64;
const AT_MOST = 65_536;

/** Of tables smaller than ten pages the planner expects growth as long as nobody has told it their size. */
const LARGE_TABLES = `
  select c.oid::regclass::text as name from pg_class c
  where c.relkind = 'r' and c.relnamespace::regnamespace::text in ('mixcache', 'pgboss')
    and pg_relation_size(c.oid) >= 10 * 8192`;

export class Upkeep {
  readonly #pglite: PGlite;
  #uses = 0;
  #due = FIRST_AFTER;

  constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  /** Before each use of the connection, outside of transactions. */
  async turn(): Promise<void> {
    if (++this.#uses < this.#due) return;
    this.#due = this.#uses + Math.min(this.#uses, AT_MOST);
    const { rows } = await this.#pglite.query<{ name: string }>(LARGE_TABLES);
    if (rows.length === 0) return;
    // A tenth of the usual sample tells the planner enough, in a tenth of the time.
    await this.#pglite.exec("set default_statistics_target = 10");
    await this.#pglite.exec(`vacuum (analyze) ${rows.map(({ name }) => name).join(", ")}`);
  }
}
