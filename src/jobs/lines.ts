/** Accounts' lines, locked: whoever has one creates alone for its account. */

import { MixcacheError } from "../errors.ts";
import type { Sql } from "./database-contract.ts";
import { LOCK_FREE_LINES, LOCK_LINES } from "./sql/lines.ts";

/** Which lines are locked: those that are free at this moment, or all, after waiting for them. */
export type Patience = "free" | "all";

interface Line {
  turn: number;
  queued: number;
  readonly limit: number | null;
}

interface LineRow {
  readonly account_id: string;
  readonly last_turn: string;
  readonly queued: number;
  readonly max_queued: number | null;
  readonly clock: string;
}

/** The lines of the accounts that videos are created for. */
export class Lines {
  readonly #lines: ReadonlyMap<string, Line>;

  private constructor(lines: ReadonlyMap<string, Line>) {
    this.#lines = lines;
  }

  /** Locks them until the end of the transaction, in the order of the accounts' ids. */
  static async lock(tx: Sql, accountIds: readonly string[], patience: Patience): Promise<Lines> {
    const text = patience === "free" ? LOCK_FREE_LINES : LOCK_LINES;
    const rows = await tx.query<LineRow>(text, [[...new Set(accountIds)]]);
    return new Lines(new Map(rows.map((row) => [row.account_id, lineOf(row)])));
  }

  /** Whether the account's line is ours; where all were waited for, whether there is such an account. */
  has(accountId: string): boolean {
    return this.#lines.has(accountId);
  }

  /** The turn of the account's next video. @throws MixcacheError `queue_full`, `account_not_found` */
  next(accountId: string): number {
    const line = this.#lines.get(accountId);
    if (!line) throw new MixcacheError("account_not_found", `There is no account ${accountId}.`);
    if (line.limit === null || line.queued < line.limit) return line.turn;
    throw new MixcacheError(
      "queue_full",
      `This account has ${line.limit} videos waiting, as many as it may have. Try again when some are done.`,
    );
  }

  /** A video is created with that turn. */
  join(accountId: string): void {
    const line = this.#lines.get(accountId);
    if (!line) return;
    line.turn += 1;
    line.queued += 1;
  }
}

/** The next turn is one after the account's last, but not before what starts now. */
function lineOf({ last_turn, queued, max_queued, clock }: LineRow): Line {
  return { turn: Math.max(Number(clock), Number(last_turn) + 1), queued, limit: max_queued };
}
