/** Money: what is set aside, used and charged. Plain data and interfaces; the code is beside it. */

import type { Sql } from "./database-contract.ts";

/** A millionth of the currency's unit (1 USD = 1_000_000n). Never a float. In JSON a decimal string. */
export type Micros = bigint;

/** What an attempt really used, from its trace; bigint so that sums stay exact. */
export interface Usage {
  /** Floating point operations that were computed; what was reused is not in it. */
  readonly flops: bigint;
  /** How long the engine was busy with it. */
  readonly engineMs: bigint;
  /** Length of the video that came out; 0 when none did. */
  readonly videoMs: bigint;
}

/** A model's price as it was when the video was created; kept in its row, so that a bill can be recomputed. */
export interface PriceTerms {
  readonly currency: string;
  readonly unit: "tflop" | "gpu_second" | "video_second";
  /** Decimal string: micros for one unit. */
  readonly microsPerUnit: string;
}

/** What a bill comes to. */
export type Bill = (terms: PriceTerms, usage: Usage) => Micros;

/** Double-entry bookkeeping. Every method runs inside the caller's transaction and locks the accounts' balances. */
export interface Ledger {
  /** Locks the balances of accounts, in the order of their ids, to set amounts aside. */
  open(tx: Sql, accountIds: readonly string[]): Promise<Holds>;
  /**
   * Ends a hold: `charge` (0n ≤ charge ≤ hold) is earned, the rest goes back. Exactly once for each video: a second
   * settle throws.
   */
  settle(tx: Sql, entry: LedgerEntry & { readonly charge: Micros; readonly at: Date }): Promise<void>;
}

/** What is set aside in one transaction, one after the other. */
export interface Holds {
  /**
   * Sets an amount aside, if what the earlier ones left is enough.
   * @throws MixcacheError `credit_insufficient`, `account_not_found`, `ledger_refused`, `invalid_argument`; then the
   *   others stand
   */
  hold(entry: LedgerEntry): void;
  /** Writes all of them. @throws MixcacheError `hold_exists`, which ends the transaction */
  write(tx: Sql, at: Date): Promise<void>;
}

/** Whose money, for which video. */
export interface LedgerEntry {
  readonly accountId: string;
  readonly videoId: string;
  /** What was held when the video was created. */
  readonly amount: Micros;
}
