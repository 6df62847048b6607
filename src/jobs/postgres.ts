/** PostgreSQL behind a pool of connections. */

import pg from "pg";
import { MixcacheError, messageOf } from "../errors.ts";
import { again, codeOf, OUTDATED_PLAN } from "./again.ts";
import type { Database, Sql } from "./database-contract.ts";
import { Inside } from "./inside.ts";
import { listenPostgres } from "./postgres-listen.ts";
import { Names } from "./postgres-names.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/**
 * A process that is stopped or cut off in the middle of a transaction holds its locks until then, and everybody else
 * waits: one lock is every worker's. No statement of ours is followed by so long a silence.
 */
const SILENT_TRANSACTION_MS = 10_000;

/** The connection is gone, or the server is starting or stopping: nothing is wrong with the statement. */
function isAway(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined)
    return /connection (terminated|timeout)|not queryable|timeout exceeded when trying to connect/i.test(
      messageOf(error),
    );
  return /^(08|57P|53300|25P03)/.test(code) || /^E[A-Z]+$/.test(code);
}

/** The server answers, and will never let us in: no such database or user, a wrong password, no right to connect. */
function isRefused(error: unknown): boolean {
  return /^(3D000|28...|42501)$/.test(codeOf(error) ?? "");
}

function explain(error: unknown): unknown {
  if (!isAway(error)) return error;
  return new MixcacheError(
    "database_unavailable",
    `PostgreSQL can't be reached (${messageOf(error)}). Check DATABASE_URL and that the server runs.`,
    { cause: error },
  );
}

const names = new Names();

async function rows<Row>(runner: pg.Pool | pg.PoolClient, text: string, values?: readonly unknown[]) {
  try {
    const result = await (values?.length
      ? runner.query({ name: names.of(text), text, values: [...values] })
      : runner.query(text));
    // Several statements at once, without values, come back as a list of results.
    const all: pg.QueryResult[] = Array.isArray(result) ? result : [result];
    return all.flatMap((one) => one.rows) as Row[];
  } catch (error) {
    if (codeOf(error) === OUTDATED_PLAN) names.renew(text);
    throw explain(error);
  }
}

/**
 * @param silentMs how long a transaction may be idle until the server ends it
 * @throws MixcacheError `database_unavailable`
 */
export async function openPostgres(
  url: string,
  connections = 10,
  silentMs = SILENT_TRANSACTION_MS,
): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: "mixcache",
    // What is asked without waiting for the answer before goes out at once.
    pipeline: true,
    keepAlive: true,
    idle_in_transaction_session_timeout: silentMs,
  });
  // An idle connection that breaks is replaced by the pool; the statement that needs one says what is wrong.
  pool.on("error", () => {});
  const inside = new Inside();

  async function transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    const client = await pool.connect().catch((error: unknown) => {
      throw explain(error);
    });
    const tx: Sql = { query: (text, values) => rows(client, text, values) };
    let broken: Error | undefined;
    const breaks = (error: Error) => {
      broken = error;
    };
    // A connection that breaks between two statements is nobody's error yet; without this it would end the process.
    client.on("error", breaks);
    try {
      // Where this fails, the statements that go out right behind it do too.
      const begun = tx.query("begin");
      begun.catch(() => {});
      const result = await inside.run(() => work(tx));
      await begun;
      await tx.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback").catch(breaks);
      throw error;
    } finally {
      client.off("error", breaks);
      client.release(broken);
    }
  }

  const database: Database = {
    kind: "postgres",
    async query(text, values) {
      inside.refuse();
      return again(() => rows(pool, text, values));
    },
    async transaction(work) {
      inside.refuse();
      return again(() => transaction(work));
    },
    listen: (channel, onMessage) => listenPostgres(url, channel, onMessage),
    close: () => pool.end(),
  };
  try {
    await database.query("select 1");
  } catch (error) {
    await pool.end();
    if (!isRefused(error)) throw error;
    throw new MixcacheError(
      "database_unavailable",
      `PostgreSQL refuses (${messageOf(error)}). Check the user, the password and the database in DATABASE_URL.`,
      { cause: error },
    );
  }
  return database;
}
