/** The ledger under many hands at once, on a real PostgreSQL: PGlite has one connection and can't show this. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hold } from "../../test/support/hold.ts";
import { type Postgres, startPostgres } from "../../test/support/postgres.ts";
import { MixcacheError } from "../errors.ts";
import { openDatabase } from "./database.ts";
import type { Database } from "./database-contract.ts";
import { balanceOf, credit, ledger } from "./ledger.ts";
import { auditLedger } from "./ledger-audit.ts";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/index.ts";

const at = new Date(0);
let server: Postgres;
let database: Database;

beforeAll(async () => {
  server = await startPostgres();
  database = await openDatabase({ url: await server.database(), connections: 20 });
  await migrate(database, MIGRATIONS);
});
afterAll(async () => {
  await database?.close();
  await server?.stop();
});

async function account(accountId: string, given: bigint): Promise<string> {
  await database.query(
    "insert into mixcache.accounts (id, name, created_at) values ($1, $1, $2::timestamptz)",
    [accountId, at.toISOString()],
  );
  await credit(database, { accountId, amount: given, reference: "first", at });
  return accountId;
}

/** How often each answer was given. */
async function tally(asked: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status, ...outcome } of await Promise.allSettled(asked)) {
    const { reason } = outcome as { reason?: unknown };
    if (status === "rejected" && !(reason instanceof MixcacheError)) throw reason;
    const answer = reason instanceof MixcacheError ? reason.code : "ok";
    counts[answer] = (counts[answer] ?? 0) + 1;
  }
  return counts;
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

describe("at once", () => {
  it("100 holds take no more than there is", async () => {
    const accountId = await account("acct_holds", 30n);
    const one = (index: number) =>
      database.transaction((tx) => hold(tx, { accountId, videoId: `video_h${index}`, amount: 1n, at }));
    expect(await tally(times(100, one))).toEqual({ ok: 30, credit_insufficient: 70 });
    expect(await balanceOf(database, accountId)).toMatchObject({ credit: 0n, held: 30n });
  });

  it("100 settlements of one video charge it once, though other holds would bear it", async () => {
    const accountId = await account("acct_settles", 1000n);
    const entry = (videoId: string) => ({ accountId, videoId, amount: 5n, at });
    for (const video of times(20, (i) => `video_s${i}`))
      await database.transaction((tx) => hold(tx, entry(video)));
    const settle = (index: number) =>
      database.transaction((tx) => ledger.settle(tx, { ...entry("video_s0"), charge: BigInt(index % 5) }));
    expect(await tally(times(100, settle))).toEqual({ ok: 1, settled_already: 99 });
    const { held, revenue } = await balanceOf(database, accountId);
    expect(held).toBe(95n);
    expect(revenue).toBeLessThan(5n);
  });

  it("holds, settlements and credits of a few accounts neither drift nor wait for each other for ever", async () => {
    const accounts = await Promise.all(times(3, (i) => account(`acct_mixed${i}`, 500n)));
    const life = async (index: number) => {
      const accountId = accounts[index % 3] ?? "";
      const entry = { accountId, videoId: `video_m${index}`, amount: 7n, at };
      await database.transaction((tx) => hold(tx, entry));
      await database.transaction((tx) => credit(tx, { accountId, amount: 1n, reference: `${index}`, at }));
      await database.transaction((tx) => ledger.settle(tx, { ...entry, charge: BigInt(index % 8) }));
    };
    expect(await tally(times(150, life))).toEqual({ ok: 150 });
    for (const [place, accountId] of accounts.entries()) {
      const charged = times(150, (i) => (i % 3 === place ? BigInt(i % 8) : 0n)).reduce((a, b) => a + b);
      expect(await balanceOf(database, accountId)).toEqual({
        unlimited: false,
        issued: -550n,
        credit: 550n - charged,
        held: 0n,
        revenue: charged,
      });
    }
  });

  it("two transactions that settle the same two videos of an account in opposite orders don't deadlock", async () => {
    const accountId = await account("acct_crossed", 100n);
    const entry = (videoId: string) => ({ accountId, videoId, amount: 5n, charge: 1n, at });
    for (const round of times(20, (i) => i)) {
      const videos = [`video_x${round}`, `video_y${round}`];
      for (const video of videos) await database.transaction((tx) => hold(tx, entry(video)));
      const settleAll = (order: readonly string[]) =>
        database.transaction(async (tx) => {
          for (const video of order) await ledger.settle(tx, entry(video));
        });
      expect(await tally([settleAll(videos), settleAll(videos.toReversed())])).toEqual({
        ok: 1,
        settled_already: 1,
      });
    }
  });

  it("leaves books that are right as a whole", async () => {
    const { faults, entries } = await auditLedger(database);
    expect(faults).toEqual([]);
    expect(entries).toBeGreaterThan(500);
  });
});
