/**
 * The ledger: what each account was given, may spend, has on hold and has paid. Double entry: every entry moves
 * micro-units between four books of one account and sums to zero.
 *
 * | entry   | issued | credit     | held  | revenue |
 * | ------- | ------ | ---------- | ----- | ------- |
 * | credit  | −a     | +a         |       |         |
 * | hold    |        | −h         | +h    |         |
 * | settle  |        | +(h − c)   | −h    | +c      |
 * | release |        | +h         | −h    |         |
 *
 * A release is a settlement of nothing.
 *
 * `issued` is the book where credit comes from, so it is what was given, below zero.
 *
 * Everything here runs inside the caller's transaction. Locks: an operation locks the one row of balances of its
 * account before it writes anything else. A transaction that touches several accounts takes them in the order of their
 * ids, and one that locks other rows (a job, a video) locks those first; then there are no circles of waiting.
 * An error of the database, `settled_already` and `hold_exists` among them, ends the caller's transaction;
 * `credit_insufficient` and `account_not_found` leave it usable.
 */

import { invalid, MixcacheError } from "../errors.ts";
import type { Sql } from "./database-contract.ts";
import type { Holds, Ledger, LedgerEntry, Micros } from "./money-contract.ts";
import * as sql from "./sql/ledger.ts";
import { brokenConstraint } from "./sql-state.ts";

/** The most that one entry moves: a billion units, so that balances are far from what a bigint holds. */
export const MAX_ENTRY_MICROS: Micros = 1_000_000_000_000_000n;

/** What is in an account's books, in micro-units. */
export interface Balance {
  /** What was given, below zero. */
  readonly issued: Micros;
  /** What may be spent; below zero only where the account is unlimited. */
  readonly credit: Micros;
  /** What is reserved for videos that are not settled. */
  readonly held: Micros;
  /** What was paid for videos. */
  readonly revenue: Micros;
  readonly unlimited: boolean;
}

export type EntryKind = "credit" | "hold" | "settle" | "release";

/** One entry with its postings, in micro-units. */
export interface Entry {
  readonly id: string;
  readonly kind: EntryKind;
  /** Of every entry but credits. */
  readonly videoId: string | null;
  /** Of credits: who or what asked for it. */
  readonly reference: string | null;
  readonly madeAt: Date;
  readonly issued: Micros;
  readonly credit: Micros;
  readonly held: Micros;
  readonly revenue: Micros;
}

export interface Credit {
  readonly accountId: string;
  /** Below zero takes credit back, which may not leave a limited account without. */
  readonly amount: Micros;
  /** Unique within the account: the same credit sent twice is refused. */
  readonly reference: string;
  readonly at: Date;
}

/**
 * Gives credit.
 * @throws MixcacheError `account_not_found`, `credit_insufficient`, `credit_exists`, `invalid_argument`
 */
export async function credit(tx: Sql, { accountId, amount, reference, at }: Credit): Promise<void> {
  if (amount === 0n) invalid("amount", "amount is 0; say how much credit to give.");
  checkSize("amount", amount < 0n ? -amount : amount);
  const values = [accountId, amount.toString(), reference, at.toISOString()];
  const made = await refusing(tx.query(sql.CREDIT, values), {
    ledger_one_credit: () =>
      new MixcacheError(
        "credit_exists",
        `The account ${accountId} has a credit with the reference ${reference} already; it was not given again.`,
      ),
  });
  if (made.length === 0) await refuseFor(tx, accountId, -amount);
}

interface Purse {
  readonly unlimited: boolean;
  credit: Micros;
}

/** See `Ledger.open`. */
class Purses implements Holds {
  readonly #purses: ReadonlyMap<string, Purse>;
  readonly #held: LedgerEntry[] = [];

  constructor(purses: ReadonlyMap<string, Purse>) {
    this.#purses = purses;
  }

  hold(entry: LedgerEntry): void {
    const { accountId, amount } = entry;
    if (amount < 0n) refuse(`A hold of ${amount} is below zero.`);
    checkSize("amount", amount);
    const purse = this.#purses.get(accountId);
    if (!purse) throw noAccount(accountId);
    if (!purse.unlimited && purse.credit < amount) throw insufficient(amount, purse.credit);
    purse.credit -= amount;
    this.#held.push(entry);
  }

  async write(tx: Sql, at: Date): Promise<void> {
    if (this.#held.length === 0) return;
    const videoIds = this.#held.map(({ videoId }) => videoId);
    const accountIds = this.#held.map(({ accountId }) => accountId);
    const amounts = this.#held.map(({ amount }) => `${amount}`);
    await refusing(tx.query(sql.HOLD, [accountIds, videoIds, amounts, at.toISOString()]), {
      ledger_one_hold: () =>
        new MixcacheError(
          "hold_exists",
          `There is a hold for ${videoIds.join(" or ")} already; a video has one.`,
        ),
    });
  }
}

async function open(tx: Sql, accountIds: readonly string[]): Promise<Purses> {
  const rows = await tx.query<{ account_id: string; unlimited: boolean; credit: string }>(sql.LOCK_BALANCES, [
    [...accountIds],
  ]);
  return new Purses(
    new Map(
      rows.map(({ account_id, unlimited, credit }) => [account_id, { unlimited, credit: BigInt(credit) }]),
    ),
  );
}

/**
 * Takes what a video cost out of its hold and gives the rest back.
 * @throws MixcacheError `settled_already` where that was done before, `hold_missing`, and `ledger_refused` where the
 *   hold is another one or less than the charge
 */
async function settle(
  tx: Sql,
  { accountId, videoId, amount, charge, at }: LedgerEntry & { readonly charge: Micros; readonly at: Date },
): Promise<void> {
  const [found] = await tx.query<{ account_id: string; held: string }>(sql.LOCK_HOLD, [videoId]);
  if (!found)
    throw new MixcacheError("hold_missing", `There is no hold for ${videoId}; nothing was charged.`);
  const held = BigInt(found.held);
  if (found.account_id !== accountId || held !== amount)
    refuse(`${videoId} has a hold of ${held} of ${found.account_id}, not of ${amount} of ${accountId}.`);
  if (charge < 0n || charge > held)
    refuse(`${videoId} is to be charged ${charge}, but ${held} is what was held.`);
  const kind: EntryKind = charge === 0n ? "release" : "settle";
  const values = [accountId, videoId, kind, held.toString(), charge.toString(), at.toISOString()];
  await refusing(tx.query(sql.END_HOLD, values), {
    ledger_one_end: () =>
      new MixcacheError("settled_already", `${videoId} was settled before; it was not charged again.`),
  });
}

/** The ledger that videos are held and settled with. */
export const ledger: Ledger = { open, settle };

type BookRow = Record<"issued" | "credit" | "held" | "revenue", string>;

/** @throws MixcacheError `account_not_found` */
export async function balanceOf(tx: Sql, accountId: string): Promise<Balance> {
  const [row] = await tx.query<BookRow & { unlimited: boolean }>(sql.BALANCE, [accountId]);
  if (!row) throw noAccount(accountId);
  return { unlimited: row.unlimited, ...booksOf(row) };
}

/** An account's entries, the youngest first. */
export async function entriesOf(
  tx: Sql,
  accountId: string,
  { before, limit }: { before?: string; limit: number },
): Promise<Entry[]> {
  const rows = await tx.query<EntryRow>(sql.ENTRIES, [accountId, before ?? null, limit]);
  return rows.map(({ id, kind, video_id, reference, made_at, ...row }) => ({
    id,
    kind,
    videoId: video_id,
    reference,
    madeAt: made_at,
    ...booksOf(row),
  }));
}

interface EntryRow extends BookRow {
  readonly id: string;
  readonly kind: EntryKind;
  readonly video_id: string | null;
  readonly reference: string | null;
  readonly made_at: Date;
}

function booksOf({ issued, credit, held, revenue }: BookRow) {
  return { issued: BigInt(issued), credit: BigInt(credit), held: BigInt(held), revenue: BigInt(revenue) };
}

function checkSize(field: string, amount: Micros): void {
  if (amount > MAX_ENTRY_MICROS)
    invalid(field, `${field} is ${amount} micro-units; one entry moves at most ${MAX_ENTRY_MICROS}.`);
}

/** Says why an account can't give `amount`. */
async function refuseFor(tx: Sql, accountId: string, amount: Micros): Promise<never> {
  const { credit: left } = await balanceOf(tx, accountId);
  throw insufficient(amount, left);
}

function insufficient(amount: Micros, left: Micros): MixcacheError {
  return new MixcacheError(
    "credit_insufficient",
    `This needs ${inUnits(amount)} units of credit and the account has ${inUnits(left)}. ` +
      "Ask the operator for credit, or make a smaller video.",
  );
}

function refuse(sentence: string): never {
  throw new MixcacheError("ledger_refused", `${sentence} Nothing was charged.`);
}

function noAccount(accountId: string): MixcacheError {
  return new MixcacheError("account_not_found", `There is no account ${accountId}.`);
}

/** An amount as people write it: 1500000n is "1.5". */
export function inUnits(amount: Micros): string {
  const [sign, size] = amount < 0n ? ["-", -amount] : ["", amount];
  const fraction = (size % 1_000_000n).toString().padStart(6, "0").replace(/0+$/, "");
  return `${sign}${size / 1_000_000n}${fraction && `.${fraction}`}`;
}

/** Turns the refusal of a named constraint into what it means. */
async function refusing<T>(
  query: Promise<T>,
  meanings: Readonly<Record<string, () => MixcacheError>>,
): Promise<T> {
  try {
    return await query;
  } catch (error) {
    const meaning = meanings[brokenConstraint(error) ?? ""];
    throw meaning ? meaning() : error;
  }
}
