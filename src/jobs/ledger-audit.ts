/** Proves the books: balances against entries, entries against each other. For tests, drills and operators. */

import type { Sql } from "./database-contract.ts";
import type { Balance } from "./ledger.ts";
import type { Micros } from "./money-contract.ts";
import * as sql from "./sql/ledger.ts";

/** What the audit found. */
export interface LedgerAudit {
  readonly entries: number;
  /** The sums over all accounts, in micro-units; together they are zero. */
  readonly house: Omit<Balance, "unlimited">;
  /** A sentence for each thing that is wrong; none where the books are right. */
  readonly faults: readonly string[];
}

type Row = Readonly<Record<string, string>>;

/** Reads the whole ledger at one moment; in a transaction of its own it has to be one that reads repeatably. */
export async function auditLedger(tx: Sql): Promise<LedgerAudit> {
  const faults: string[] = [];
  for (const { account_id, ...books } of await tx.query<Row>(sql.DRIFT))
    faults.push(`The balances of ${account_id} are not the sum of its entries: ${JSON.stringify(books)}.`);
  for (const { id, account_id, video_id, kind } of await tx.query<Row>(sql.WRONG_ENDS))
    faults.push(`The ${kind} ${id} of ${video_id} (${account_id}) does not fit its hold.`);
  const [row = {}] = await tx.query<Row>(sql.HOUSE);
  const house = {
    issued: BigInt(row.issued ?? 0),
    credit: BigInt(row.credit ?? 0),
    held: BigInt(row.held ?? 0),
    revenue: BigInt(row.revenue ?? 0),
  };
  const total: Micros = house.issued + house.credit + house.held + house.revenue;
  if (total !== 0n) faults.push(`All books together are ${total}, not 0.`);
  return { entries: Number(row.entries ?? 0), house, faults };
}
