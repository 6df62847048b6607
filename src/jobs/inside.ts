/** Catches the use of a database's outer handle inside one of its own transactions. */

import { AsyncLocalStorage } from "node:async_hooks";
import { MixcacheError } from "../errors.ts";

/** Knows, along every chain of calls, whether it is inside a transaction. */
export class Inside {
  readonly #storage = new AsyncLocalStorage<true>();

  /** Runs the work as the inside of a transaction. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#storage.run(true, work);
  }

  /** @throws MixcacheError `database_misused` where only `tx` may be used */
  refuse(): void {
    if (this.#storage.getStore() !== true) return;
    throw new MixcacheError(
      "database_misused",
      "A statement inside a transaction went to the database instead of the transaction. Use the `tx` that the transaction gave.",
    );
  }
}
