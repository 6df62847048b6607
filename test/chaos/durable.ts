/**
 * A wrapper around the database and the store that kills the process at the n-th durable call: before a statement,
 * before and after a commit, before and after a file is stored or removed. With every n in turn, every gap between two durable
 * effects has been the last thing a process saw.
 */

import type { Database, Sql } from "../../src/jobs/index.ts";
import type { ObjectStore } from "../../src/storage/index.ts";

/** Counts durable calls once it is armed. */
export class Fuse {
  readonly #at: number;
  #count = 0;
  #armed = false;

  constructor(at: number) {
    this.#at = at;
  }

  /** Calls that were counted. */
  get count(): number {
    return this.#count;
  }

  /** From here on calls count: opening the database is not what is drilled. */
  arm(): void {
    this.#armed = true;
  }

  /** One durable call. Dies here if it is the n-th: nothing after this line runs. */
  burn(): void {
    if (!this.#armed) return;
    this.#count += 1;
    if (this.#count === this.#at) process.kill(process.pid, "SIGKILL");
  }

  database(real: Database): Database {
    const counted = (sql: Sql): Sql => ({
      query: (text, values) => {
        this.burn();
        return sql.query(text, values);
      },
    });
    return {
      ...real,
      query: counted(real).query,
      transaction: async (work) => {
        const result = await real.transaction(async (tx) => {
          const made = await work(counted(tx));
          // All is written and nothing is committed.
          this.burn();
          return made;
        });
        // Committed, and nobody was told.
        this.burn();
        return result;
      },
    };
  }

  store(real: ObjectStore): ObjectStore {
    const counting: Pick<ObjectStore, "put" | "delete"> = {
      put: async (key, body, options) => {
        this.burn();
        const written = await real.put(key, body, options);
        this.burn();
        return written;
      },
      delete: async (key) => {
        this.burn();
        await real.delete(key);
        this.burn();
      },
    };
    return Object.assign(Object.create(real) as ObjectStore, counting, {
      head: (key: string) => real.head(key),
    });
  }
}
