/** What runs statements, and the steps of the schema. */

/** Runs one statement. `$1` … are its values; JSON goes in as text (`JSON.stringify`), bigints as text with a cast. */
export interface Sql {
  /** @throws the driver's error, with SQLSTATE in `code`; `database_unavailable` when there is no connection */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<Row[]>;
}

/** PostgreSQL behind a pool, or PGlite (one connection) in this process. The same SQL runs on both. */
export interface Database extends Sql {
  readonly kind: "postgres" | "pglite";
  /**
   * Runs the work in one transaction (READ COMMITTED): committed when it returns, rolled back when it throws. Inside,
   * only `tx` may be used: the outer handle throws there, because on PGlite it would wait for itself for ever and on
   * PostgreSQL it would write outside the transaction. The work is run again (up to 3 times) when the database chose
   * it to resolve a deadlock, so it must do nothing that rolling back doesn't undo.
   */
  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T>;
  /** Calls back for every NOTIFY on the channel, also after a lost connection was made anew; returns what ends it. */
  listen(channel: string, onMessage: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** One step of the schema. Once released, a migration never changes: what was applied is checked by digest. */
export interface Migration {
  /** `0001-accounts`: sorts in the order of application. */
  readonly id: string;
  /** Statements separated by semicolons, without BEGIN and COMMIT. */
  readonly sql: string;
  /** It takes away or changes what older programs use, so that they refuse the database from then on. */
  readonly contracts?: true;
}
