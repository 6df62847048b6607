/**
 * What a server's autovacuum does and PGlite leaves undone: rows that are gone make room, and plans are made for tables
 * as they have become. Without it a table with a hundred thousand videos is read as if it had forty.
 */

import type { PGlite } from "@electric-sql/pglite";

/** It is done whenever the connection was used as often as before, and then each time that often. */
const FIRST_AFTER = 64;
const AT_MOST = 262_144;
/** Between two tables others get their turn. */
const APART = 64;

/** Of tables smaller than ten pages the planner expects growth as long as nobody has told it their size. */
const LARGE_TABLES = `
  select c.oid::regclass::text as name from pg_class c
  where c.relkind = 'r' and c.relnamespace::regnamespace::text in ('mixcache', 'pgboss')
    and pg_relation_size(c.oid) >= 10 * 8192`;

export class Upkeep {
  readonly #pglite: PGlite;
  #uses = 0;
  #due = FIRST_AFTER;
  #tables: string[] = [];

  constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  /** Before each use of the connection, outside of transactions. */
  async turn(): Promise<void> {
    this.#uses += 1;
    if (this.#uses >= this.#due) await this.#begin();
    else if (this.#tables.length > 0 && this.#uses % APART === 0) await this.#next();
  }

  async #begin(): Promise<void> {
    this.#due = this.#uses + Math.min(this.#uses, AT_MOST);
    const { rows } = await this.#pglite.query<{ name: string }>(LARGE_TABLES);
    this.#tables = rows.map(({ name }) => name);
    await this.#next();
  }

  async #next(): Promise<void> {
    const table = this.#tables.pop();
    if (table === undefined) return;
    // A tenth of the usual sample tells the planner enough, in a tenth of the time.
    await this.#pglite.exec("set default_statistics_target = 10");
    // Where it fails, for instance on a full disk, whoever waits for the connection is told so by what they do there.
    await this.#pglite.exec(`vacuum (analyze) ${table}`).catch(() => {});
  }
}
