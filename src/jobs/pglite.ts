/**
 * PGlite: PostgreSQL as WebAssembly in this process, with one connection. What is written survives the process being
 * killed; it does not survive a loss of power, because it is not synced to the disk.
 */

import { mkdirSync } from "node:fs";
import path from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { PGlite } from "@electric-sql/pglite";
import { MixcacheError, messageOf } from "../errors.ts";
import { again } from "./again.ts";
import type { Database, Sql } from "./database-contract.ts";
import { Inside } from "./inside.ts";
import { lockFolder } from "./lock.ts";
import { Prepared } from "./pglite-prepared.ts";
import { Upkeep } from "./pglite-upkeep.ts";

/** One user of the connection at a time, in the order of asking. */
class Line {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    // Between two users the event loop gets a turn: PGlite computes in this thread, and a burst would starve the rest.
    const mine = this.#last.then(() => turn()).then(work);
    this.#last = mine.catch(() => {});
    return mine;
  }

  /** Resolves when everyone who asked is done. */
  async idle(): Promise<void> {
    await this.#last;
  }
}

/**
 * Opens the folder, or makes it; without one the database is in memory.
 * @throws MixcacheError `database_locked`, `storage_failed`, `database_unavailable`
 */
export async function openPglite(folder?: string): Promise<Database> {
  if (folder === undefined) return serve(await PGlite.create(), () => {});
  makeParent(folder);
  const unlock = lockFolder(folder);
  try {
    return serve(await PGlite.create({ dataDir: folder }), unlock);
  } catch (error) {
    unlock();
    // What PGlite throws of the disk says no more than a number.
    throw new MixcacheError(
      "database_unavailable",
      `The database in ${folder} can't be opened (${error instanceof Error ? error.message : "the disk refused"}). Check that its disk has room and can be written; a damaged folder has to be put back from a backup, or another DATA_DIR be set.`,
      { cause: error },
    );
  }
}

/** The whole folder as a gzipped tar. @throws MixcacheError `database_locked`, `storage_failed` */
export async function dumpPglite(folder: string): Promise<Uint8Array> {
  const unlock = lockFolder(folder);
  try {
    const pglite = await PGlite.create({ dataDir: folder });
    try {
      return new Uint8Array(await (await pglite.dumpDataDir("gzip")).arrayBuffer());
    } finally {
      await pglite.close();
    }
  } finally {
    unlock();
  }
}

/** Makes a folder of such a tar. @throws MixcacheError `storage_failed`, `backup_invalid` */
export async function loadPglite(folder: string, dump: Uint8Array): Promise<void> {
  makeParent(folder);
  try {
    const pglite = await PGlite.create({ dataDir: folder, loadDataDir: new Blob([new Uint8Array(dump)]) });
    await pglite.query("select 1");
    await pglite.close();
  } catch (error) {
    throw new MixcacheError("backup_invalid", `The backup can't be read (${messageOf(error)}).`, {
      cause: error,
    });
  }
}

function makeParent(folder: string): void {
  const parent = path.dirname(path.resolve(folder));
  try {
    mkdirSync(parent, { recursive: true });
  } catch (error) {
    throw new MixcacheError(
      "storage_failed",
      `The folder ${parent} can't be made (${messageOf(error)}). Set DATA_DIR to one that may be written.`,
      { cause: error },
    );
  }
}

function serve(pglite: PGlite, unlock: () => void): Database {
  const inside = new Inside();
  const line = new Line();
  const prepared = new Prepared(pglite);
  const upkeep = new Upkeep(pglite);
  // Without values a text may hold several statements, which can't be prepared.
  const rows = async <Row>(runner: Pick<PGlite, "exec">, text: string, values?: readonly unknown[]) =>
    values?.length
      ? prepared.query<Row>(text, values)
      : ((await runner.exec(text)).flatMap((result) => result.rows) as Row[]);
  return {
    kind: "pglite",
    async query<Row>(text: string, values?: readonly unknown[]) {
      inside.refuse();
      return again(() =>
        line.run(async () => {
          await upkeep.turn();
          try {
            return await rows<Row>(pglite, text, values);
          } catch (error) {
            // A text with its own BEGIN that failed would leave its transaction to the next user.
            await pglite.exec("rollback").catch(() => {});
            throw error;
          }
        }),
      );
    },
    async transaction(work) {
      inside.refuse();
      return again(() =>
        line.run(async () => {
          await upkeep.turn();
          return pglite.transaction((transaction) => {
            const tx: Sql = { query: (text, values) => rows(transaction, text, values) };
            return inside.run(() => work(tx));
          });
        }),
      );
    },
    async listen(channel, onMessage) {
      inside.refuse();
      return line.run(() => pglite.listen(channel, onMessage));
    },
    async close() {
      await line.idle();
      await pglite.close();
      unlock();
    },
  };
}
