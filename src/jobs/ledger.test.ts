import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hold } from "../../test/support/hold.ts";
import { type Answers, operation, runOperations } from "../../test/support/ledger-model.ts";
import { memoryDatabase } from "../../test/support/memory-database.ts";
import type { Database } from "./database-contract.ts";
import { balanceOf, credit, entriesOf, inUnits, ledger } from "./ledger.ts";
import { auditLedger } from "./ledger-audit.ts";

const at = new Date("2026-01-01T00:00:00Z");
let database: Database;
let made = 0;

beforeAll(async () => {
  database = await memoryDatabase();
});
afterAll(() => database.close());

async function account({ given = 0n, unlimited = false }: { given?: bigint; unlimited?: boolean } = {}) {
  const accountId = `acct_${++made}`;
  await database.query(
    "insert into mixcache.accounts (id, name, unlimited, created_at) values ($1, $1, $2, $3::timestamptz)",
    [accountId, unlimited, at.toISOString()],
  );
  if (given) await credit(database, { accountId, amount: given, reference: "first", at });
  return accountId;
}

/** A hold in a transaction of its own. */
async function held(accountId: string, amount: bigint, videoId = `video_${++made}`) {
  const entry = { accountId, videoId, amount, at };
  await database.transaction((tx) => hold(tx, entry));
  return entry;
}

describe("an account's books", () => {
  it("are open from its first moment, and empty", async () => {
    expect(await balanceOf(database, await account())).toEqual({
      unlimited: false,
      issued: 0n,
      credit: 0n,
      held: 0n,
      revenue: 0n,
    });
  });

  it("hold, charge and give back to the last micro-unit", async () => {
    const accountId = await account({ given: 10n });
    const entry = await held(accountId, 7n);
    expect(await balanceOf(database, accountId)).toMatchObject({ credit: 3n, held: 7n, revenue: 0n });
    await database.transaction((tx) => ledger.settle(tx, { ...entry, charge: 5n }));
    expect(await balanceOf(database, accountId)).toMatchObject({
      issued: -10n,
      credit: 5n,
      held: 0n,
      revenue: 5n,
    });
    const entries = await entriesOf(database, accountId, { limit: 10 });
    expect(entries.map(({ kind }) => kind)).toEqual(["settle", "hold", "credit"]);
    const older = await entriesOf(database, accountId, { before: entries[0]?.id ?? "", limit: 1 });
    expect(older).toEqual([entries[1]]);
  });

  it("give everything back where nothing is charged", async () => {
    const accountId = await account({ given: 10n });
    const entry = await held(accountId, 10n);
    await database.transaction((tx) => ledger.settle(tx, { ...entry, charge: 0n }));
    expect(await balanceOf(database, accountId)).toMatchObject({ credit: 10n, held: 0n, revenue: 0n });
    expect((await entriesOf(database, accountId, { limit: 1 }))[0]?.kind).toBe("release");
  });

  it("refuse what they don't have, and say how much there is", async () => {
    const accountId = await account({ given: 1_500_000n });
    await expect(held(accountId, 2_000_000n)).rejects.toMatchObject({
      code: "credit_insufficient",
      message: expect.stringContaining("needs 2 units of credit and the account has 1.5"),
    });
    expect(await balanceOf(database, accountId)).toMatchObject({ credit: 1_500_000n, held: 0n });
  });

  it("of an unlimited account go below zero", async () => {
    const accountId = await account({ unlimited: true });
    await held(accountId, 7n);
    expect(await balanceOf(database, accountId)).toMatchObject({ credit: -7n, held: 7n });
  });

  it("of an account that owes can't become limited", async () => {
    const accountId = await account({ unlimited: true });
    await held(accountId, 7n);
    const limit = () =>
      database.query("update mixcache.accounts set unlimited = false where id = $1", [accountId]);
    await expect(limit()).rejects.toMatchObject({ constraint: "balances_credit_not_negative" });
    await credit(database, { accountId, amount: 7n, reference: "paid", at });
    await limit();
    expect(await balanceOf(database, accountId)).toMatchObject({ unlimited: false, credit: 0n });
  });
});

describe("once only", () => {
  it("a video is held for once", async () => {
    const entry = await held(await account({ given: 10n }), 3n);
    await expect(held(entry.accountId, 3n, entry.videoId)).rejects.toMatchObject({ code: "hold_exists" });
    expect(await balanceOf(database, entry.accountId)).toMatchObject({ credit: 7n, held: 3n });
  });

  it.each([0n, 2n])("a video is settled once, also where the first time cost %i", async (charge) => {
    const entry = await held(await account({ given: 10n }), 3n);
    const settle = (amount: bigint) =>
      database.transaction((tx) => ledger.settle(tx, { ...entry, charge: amount }));
    await settle(charge);
    for (const again of [0n, 1n])
      await expect(settle(again)).rejects.toMatchObject({ code: "settled_already" });
    expect(await balanceOf(database, entry.accountId)).toMatchObject({ held: 0n, revenue: charge });
  });

  it("a credit with a reference is given once", async () => {
    const accountId = await account();
    const give = () => credit(database, { accountId, amount: 5n, reference: "invoice 7", at });
    await give();
    await expect(give()).rejects.toMatchObject({ code: "credit_exists" });
    expect(await balanceOf(database, accountId)).toMatchObject({ credit: 5n });
  });
});

describe("refusals that point at a defect", () => {
  it.each([
    ["more than the hold", { charge: 4n }],
    ["less than nothing", { charge: -1n }],
    ["another hold", { amount: 4n }],
    ["another's video", { accountId: "acct_other" }],
  ])("%s", async (_, change) => {
    const entry = await held(await account({ given: 10n }), 3n);
    await expect(
      database.transaction((tx) => ledger.settle(tx, { ...entry, charge: 1n, ...change })),
    ).rejects.toMatchObject({ code: "ledger_refused" });
    expect(await balanceOf(database, entry.accountId)).toMatchObject({ credit: 7n, held: 3n });
  });

  it("a video without a hold, an account that isn't there, and an amount that is no number to book", async () => {
    const entry = { accountId: await account(), videoId: "video_none", amount: 1n, at };
    await expect(ledger.settle(database, { ...entry, charge: 0n })).rejects.toMatchObject({
      code: "hold_missing",
    });
    await expect(held("acct_none", 1n)).rejects.toMatchObject({ code: "account_not_found" });
    await expect(held(entry.accountId, -1n)).rejects.toMatchObject({ code: "ledger_refused" });
    await expect(
      credit(database, { accountId: entry.accountId, amount: 10n ** 16n, reference: "x", at }),
    ).rejects.toMatchObject({ code: "invalid_argument", field: "amount" });
  });
});

describe("the tables themselves", () => {
  it("refuse entries that don't sum to zero, and every change of an entry", async () => {
    const accountId = await account({ given: 5n });
    await expect(
      database.query(
        "insert into mixcache.ledger_entries (account_id, kind, reference, made_at, issued, credit) values ($1, 'credit', 'x', now(), -1, 2)",
        [accountId],
      ),
    ).rejects.toMatchObject({ constraint: expect.stringMatching(/^entries_/) });
    await expect(
      database.query("update mixcache.balances set credit = credit + 1 where account_id = $1", [accountId]),
    ).rejects.toMatchObject({ constraint: "balances_sum_to_zero" });
    for (const change of [
      "update mixcache.ledger_entries set made_at = now()",
      "delete from mixcache.ledger_entries",
    ])
      await expect(database.query(`${change} where account_id = $1`, [accountId])).rejects.toThrow(
        /append-only/,
      );
    await expect(database.query("truncate mixcache.ledger_entries")).rejects.toThrow(/append-only/);
  });

  it("show the books as postings, one for each line of an entry", async () => {
    const { accountId } = await held(await account({ given: 5n }), 2n);
    const lines = await database.query<{ book: string; amount: string }>(
      "select book, amount::text from mixcache.postings where account_id = $1 order by entry_id, book",
      [accountId],
    );
    expect(lines.map(({ book, amount }) => `${book} ${amount}`)).toEqual([
      "credit 5",
      "issued -5",
      "credit -2",
      "held 2",
    ]);
  });
});

describe("the audit", () => {
  it("finds books that were changed behind the ledger's back", async () => {
    await database
      .transaction(async (tx) => {
        const before = await auditLedger(tx);
        expect(before.faults).toEqual([]);
        const { accountId, videoId } = await (async () => {
          const id = "acct_drifted";
          await tx.query(
            "insert into mixcache.accounts (id, name, created_at) values ($1, $1, $2::timestamptz)",
            [id, at.toISOString()],
          );
          await credit(tx, { accountId: id, amount: 9n, reference: "r", at });
          await hold(tx, { accountId: id, videoId: "video_drifted", amount: 4n, at });
          return { accountId: id, videoId: "video_drifted" };
        })();
        await tx.query(
          "update mixcache.balances set credit = credit + 1, held = held - 1 where account_id = $1",
          [accountId],
        );
        expect((await auditLedger(tx)).faults).toEqual([expect.stringContaining("acct_drifted")]);
        await tx.query(
          `insert into mixcache.ledger_entries (account_id, kind, video_id, made_at, held, credit)
           values ($1, 'release', $2, now(), -3, 3)`,
          [accountId, videoId],
        );
        expect((await auditLedger(tx)).faults).toContainEqual(
          expect.stringContaining("does not fit its hold"),
        );
        throw new Error("undo");
      })
      .catch((error: Error) => expect(error.message).toBe("undo"));
    expect((await auditLedger(database)).faults).toEqual([]);
  });
});

it("does what a ledger in memory does, whatever comes", async () => {
  const answers: Answers = new Map();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: 1, maxLength: 120, size: "max" }),
      async (operations) => {
        run += 1;
        await runOperations(database, `r${run}`, operations, answers);
      },
    ),
    { seed: 5, numRuns: 20 },
  );
  // Nothing is proven about what never came.
  expect([...answers.keys()].sort()).toEqual([
    "credit_exists",
    "credit_insufficient",
    "hold_exists",
    "hold_missing",
    "ledger_refused",
    "ok",
    "settled_already",
  ]);
  const { faults, house } = await auditLedger(database);
  expect(faults).toEqual([]);
  expect(house.issued + house.credit + house.held + house.revenue).toBe(0n);
});

it("writes amounts as people do", () => {
  expect([0n, 1n, -1_500_000n, 12_000_000n].map(inUnits)).toEqual(["0", "0.000001", "-1.5", "12"]);
});
