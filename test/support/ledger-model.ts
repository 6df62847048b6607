/** A ledger in memory, and random operations that are done to it and to the real one; the two have to agree. */

import fc from "fast-check";
import { MixcacheError } from "../../src/errors.ts";
import type { Database, Sql } from "../../src/jobs/database-contract.ts";
import { balanceOf, credit, ledger } from "../../src/jobs/ledger.ts";
import { hold } from "./hold.ts";

/** One operation; accounts and videos are numbers within the run. */
export type LedgerOperation =
  | { readonly kind: "credit"; readonly account: number; readonly amount: bigint; readonly reference: number }
  | { readonly kind: "hold"; readonly account: number; readonly amount: bigint; readonly again: number }
  | {
      readonly kind: "settle";
      readonly video: number;
      readonly share: number;
      readonly mistake: "none" | "amount" | "account" | "too much";
    };

/** The accounts of a run; the last one is unlimited. */
export const ACCOUNTS = 4;
const AT = new Date(0);

const account = fc.nat(ACCOUNTS - 1);

/** Operations of every kind, the foolish ones among them: twice the same, more than there is, another's. */
export const operation: fc.Arbitrary<LedgerOperation> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("credit" as const),
      account,
      amount: fc.bigInt(-2_000_000n, 20_000_000n).filter((amount) => amount !== 0n),
      reference: fc.nat(200),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("hold" as const),
      account,
      amount: fc.bigInt(0n, 5_000_000n),
      // One in sixteen is for a video that has a hold already.
      again: fc.nat(15),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      video: fc.nat(1_000_000),
      share: fc.oneof(fc.constant(0), fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
      mistake: fc.oneof(
        { weight: 20, arbitrary: fc.constant("none" as const) },
        { weight: 1, arbitrary: fc.constantFrom("amount" as const, "account" as const, "too much" as const) },
      ),
    }),
  },
);

interface Books {
  unlimited: boolean;
  issued: bigint;
  credit: bigint;
  held: bigint;
  revenue: bigint;
}

interface Held {
  readonly account: number;
  readonly amount: bigint;
  open: boolean;
}

/** What the real ledger is to be told, and what it is to answer: "ok" or an error's code. */
interface Expected {
  readonly answer: string;
  readonly run: (tx: Sql) => Promise<void>;
}

/** Refusals by a constraint, after which the transaction has to go back to a savepoint. */
const BY_CONSTRAINT = ["hold_exists", "settled_already", "credit_exists"];

/** The ledger in memory, for one run. */
export class LedgerModel {
  readonly #run: string;
  readonly books: Books[] = Array.from({ length: ACCOUNTS }, (_, index) => ({
    unlimited: index === ACCOUNTS - 1,
    issued: 0n,
    credit: 0n,
    held: 0n,
    revenue: 0n,
  }));
  readonly #videos: Held[] = [];
  readonly #references = new Set<string>();

  constructor(run: string) {
    this.#run = run;
  }

  accountId(index: number): string {
    return `acct_${this.#run}_${index}`;
  }

  #books(index: number): Books {
    const books = this.books[index];
    if (!books) throw new Error(`The model has no account ${index}.`);
    return books;
  }

  /** Does it here, and says how the real one is asked. */
  apply(wish: LedgerOperation): Expected {
    if (wish.kind === "credit") return this.#credit(wish);
    return wish.kind === "hold" ? this.#hold(wish) : this.#settle(wish);
  }

  #credit({ account: index, amount, reference }: LedgerOperation & { kind: "credit" }): Expected {
    const books = this.#books(index);
    const key = `${index}/${reference}`;
    const accountId = this.accountId(index);
    const run = (tx: Sql) => credit(tx, { accountId, amount, reference: `${reference}`, at: AT });
    if (!books.unlimited && books.credit + amount < 0n) return { answer: "credit_insufficient", run };
    if (this.#references.has(key)) return { answer: "credit_exists", run };
    this.#references.add(key);
    books.issued -= amount;
    books.credit += amount;
    return { answer: "ok", run };
  }

  #hold({ account: index, amount, again }: LedgerOperation & { kind: "hold" }): Expected {
    const books = this.#books(index);
    const repeated = again === 0 && this.#videos.length > 0;
    const video = repeated ? this.#videos.length - 1 : this.#videos.length;
    const accountId = this.accountId(index);
    const run = (tx: Sql) => hold(tx, { accountId, videoId: this.#video(video), amount, at: AT });
    if (!books.unlimited && books.credit < amount) return { answer: "credit_insufficient", run };
    if (repeated) return { answer: "hold_exists", run };
    this.#videos.push({ account: index, amount, open: true });
    books.credit -= amount;
    books.held += amount;
    return { answer: "ok", run };
  }

  #settle({ video, share, mistake }: LedgerOperation & { kind: "settle" }): Expected {
    // The last one is a video that has no hold.
    const index = video % (this.#videos.length + 1);
    const held = this.#videos[index];
    const amount = (held?.amount ?? 0n) + (mistake === "amount" ? 1n : 0n);
    const charge =
      mistake === "too much" ? amount + 1n : BigInt(Math.round(Number(held?.amount ?? 0n) * share));
    const owner = ((held?.account ?? 0) + (mistake === "account" ? 1 : 0)) % ACCOUNTS;
    const entry = { accountId: this.accountId(owner), videoId: this.#video(index), amount, charge, at: AT };
    const run = (tx: Sql) => ledger.settle(tx, entry);
    if (!held) return { answer: "hold_missing", run };
    if (mistake !== "none") return { answer: "ledger_refused", run };
    if (!held.open) return { answer: "settled_already", run };
    held.open = false;
    const books = this.#books(held.account);
    books.credit += held.amount - charge;
    books.held -= held.amount;
    books.revenue += charge;
    return { answer: "ok", run };
  }

  #video(index: number): string {
    return `video_${this.#run}_${index}`;
  }
}

/** How often each answer was given. */
export type Answers = Map<string, number>;

/**
 * Does the operations of one run in one transaction on fresh accounts, comparing every answer and in the end every
 * balance with the model's.
 * @throws where the two part
 */
export async function runOperations(
  database: Database,
  run: string,
  operations: readonly LedgerOperation[],
  answers: Answers,
): Promise<void> {
  const model = new LedgerModel(run);
  await database.transaction(async (tx) => {
    for (const [index, { unlimited }] of model.books.entries())
      await tx.query(
        "insert into mixcache.accounts (id, name, unlimited, created_at) values ($1, $1, $2, $3::timestamptz)",
        [model.accountId(index), unlimited, AT.toISOString()],
      );
    for (const [place, wish] of operations.entries()) {
      const expected = model.apply(wish);
      const answer = await answerOf(tx, expected);
      if (answer !== expected.answer)
        throw new Error(`Operation ${place} answered ${answer}; the model says ${expected.answer}.`);
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
    for (const [index, books] of model.books.entries()) {
      const real = await balanceOf(tx, model.accountId(index));
      for (const book of ["issued", "credit", "held", "revenue"] as const)
        if (real[book] !== books[book])
          throw new Error(`${book} of account ${index} is ${real[book]}; the model has ${books[book]}.`);
    }
  });
}

async function answerOf(tx: Sql, { answer, run }: Expected): Promise<string> {
  const guarded = BY_CONSTRAINT.includes(answer);
  if (guarded) await tx.query("savepoint operation");
  try {
    await run(tx);
    return "ok";
  } catch (error) {
    if (guarded) await tx.query("rollback to savepoint operation");
    if (error instanceof MixcacheError) return error.code;
    throw error;
  }
}
