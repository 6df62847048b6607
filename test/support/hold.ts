/** One hold, as a video gets it. */

import type { Sql } from "../../src/jobs/database-contract.ts";
import { ledger } from "../../src/jobs/ledger.ts";
import type { LedgerEntry } from "../../src/jobs/money-contract.ts";

/** Sets the amount aside. @throws what `Ledger.open` and `Holds` throw */
export async function hold(tx: Sql, entry: LedgerEntry & { readonly at: Date }): Promise<void> {
  const holds = await ledger.open(tx, [entry.accountId]);
  holds.hold(entry);
  await holds.write(tx, entry.at);
}
