/** Creates that are asked for at once are made together; nobody may tell that from one after the other. */

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bothDatabases } from "../../test/support/databases.ts";
import { openTestJobs, type TestJobs } from "../../test/support/jobs.ts";
import { MixcacheError } from "../errors.ts";
import { type CreateVideo, type Database, openDatabase, type SpendCap } from "./index.ts";
import { balanceOf } from "./ledger.ts";
import { LOCK_LINES } from "./sql/lines.ts";

const databases = bothDatabases();

const codeOf = (error: unknown) =>
  error instanceof Error && "code" in error ? String(error.code) : String(error);

/** What the caller sees: the first of the list with the same video, or the error. */
function outcomes(settled: readonly PromiseSettledResult<{ video: { id: string }; replayed: boolean }>[]) {
  const ids = settled.map((one) => (one.status === "fulfilled" ? one.value.video.id : ""));
  return settled.map((one, index) =>
    one.status === "rejected"
      ? codeOf(one.reason)
      : { video: ids.indexOf(ids[index] ?? ""), replayed: one.value.replayed },
  );
}

describe.each(databases.kinds)("creates at once on %s", (_, open) => {
  let test: TestJobs;
  beforeAll(async () => {
    test = await openTestJobs(await open());
  });
  afterAll(() => test.close());

  const atOnce = (wishes: readonly CreateVideo[]) =>
    Promise.allSettled(wishes.map((wish) => test.jobs.create(wish)));

  const oneByOne = async (wishes: readonly CreateVideo[]) => {
    const all = [];
    for (const wish of wishes) all.push(...(await atOnce([wish])));
    return all;
  };

  let keys = 0;
  /** Two accounts with little credit and short lines, whose keys have caps. */
  const wishesOf = async (plan: readonly Planned[]): Promise<CreateVideo[]> => {
    const accounts = [
      await test.account({ credit: 300n, maxQueued: 4 }),
      await test.account({ credit: 120n }),
    ];
    const keyIds = [`key_${++keys}`, `key_${++keys}`];
    return plan.map(({ account, key, wish, hold, ...rest }) => ({
      ...test.wish(accounts[account] ?? ""),
      ...rest,
      keyId: keyIds[account] ?? "",
      spendCap: CAPS[account] ?? { amount: 0n, period: "day" },
      hold,
      fingerprint: `wish-${wish}`,
      ...(key > 0 && { idempotencyKey: `key-${key}` }),
    }));
  };

  const left = async (wishes: readonly CreateVideo[]) => {
    const all = [];
    for (const accountId of new Set(wishes.map((wish) => wish.accountId))) {
      const { kept, counted } = await test.line(accountId);
      const { videos } = await test.jobs.list({ accountId, limit: 100, order: "asc" }).then((page) => ({
        videos: page.videos.map(({ hold, turn, lastEvent }) => ({ hold, turn, lastEvent })),
      }));
      all.push({ kept, counted, videos, balance: await balanceOf(test.database, accountId) });
    }
    return all;
  };

  it("are decided as if one came after the other: keys, retries, limits, caps and credit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(planned, { minLength: 2, maxLength: 14 }), async (plan) => {
        const [first, second] = [await wishesOf(plan), await wishesOf(plan)];
        const expected = outcomes(await oneByOne(first));
        expect(outcomes(await atOnce(second))).toEqual(expected);
        expect(await left(second)).toEqual(await left(first));
      }),
      { numRuns: 25 },
    );
  });

  it("are as many as were asked for, also of one and the same wish", async () => {
    const wish = test.wish(await test.account());
    const all = await Promise.all([1, 2, 3, 4].map(() => test.jobs.create(wish)));
    expect(new Set(all.map(({ video }) => video.id)).size).toBe(4);
  });

  it("the one that the database refuses spoils no other, and leaves nothing", async () => {
    const accountId = await test.account();
    const wishes = [0, 1, 2, 3, 4].map((index) =>
      test.wish(accountId, { idempotencyKey: `with-bad-${index}` }),
    );
    const bad = test.wish(accountId, { idempotencyKey: "bad" });
    // No column takes this character.
    const all = [...wishes, { ...bad, request: { ...bad.request, prompt: "\u0000" } }, test.wish(accountId)];
    const settled = await atOnce(all);
    expect(settled.map(({ status }) => status).join(" ")).toBe(
      "fulfilled fulfilled fulfilled fulfilled fulfilled rejected fulfilled",
    );
    expect((await test.line(accountId)).kept).toEqual({ queued: 6, running: 0 });
    expect(await balanceOf(test.database, accountId)).toMatchObject({ held: 600n });
    expect((await test.jobs.create(bad)).replayed).toBe(false);
  });

  it("whose commit may have come through are not made again", async () => {
    let gone = false;
    const { database } = test;
    const losing: Database = {
      ...database,
      transaction: async (work) => {
        const result = await database.transaction(work);
        if (gone) throw new MixcacheError("database_unavailable", "The answer was lost.");
        return result;
      },
    };
    const other = await openTestJobs(losing);
    const accountId = await test.account();
    gone = true;
    const lost = await Promise.allSettled([1, 2, 3].map(() => other.create(accountId)));
    gone = false;
    expect(lost.map((one) => (one.status === "rejected" ? codeOf(one.reason) : ""))).toEqual(
      Array(3).fill("database_unavailable"),
    );
    expect((await test.line(accountId)).counted).toEqual({ queued: 3, running: 0 });
    await other.jobs.close();
  });
});

describe("creates of several processes", () => {
  it("wait for an account that somebody else is busy with only if it is theirs", async () => {
    const url = await databases.url();
    const test = await openTestJobs(await openDatabase({ url }));
    const [busy, free] = [await test.account(), await test.account()];
    const locked = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const holding = test.database.transaction(async (tx) => {
      await tx.query(LOCK_LINES, [[busy]]);
      locked.resolve();
      await done.promise;
    });
    await locked.promise;
    const order: string[] = [];
    const waiting = test.create(busy).then(() => order.push("busy"));
    for (const _ of [1, 2, 3]) await Promise.all([test.create(free), test.create(free)]);
    order.push("free");
    done.resolve();
    await Promise.all([holding, waiting]);
    expect(order).toEqual(["free", "busy"]);
    await test.close();
  });

  it("never wait for each other in a circle", async () => {
    const url = await databases.url();
    const [one, two] = [
      await openTestJobs(await openDatabase({ url })),
      await openTestJobs(await openDatabase({ url })),
    ];
    const accounts = await Promise.all(Array.from({ length: 6 }, () => one.account()));
    const backwards = accounts.toReversed();
    const made = [];
    for (let round = 0; round < 20; round++) {
      const own = { idempotencyKey: `round-${round}` };
      const asked = [
        ...accounts.map((id) => one.create(id, own)),
        ...backwards.map((id) => two.create(id, own)),
      ];
      made.push(...(await Promise.all(asked)));
    }
    // Both processes asked for the same: each account has one video of each round.
    expect(new Set(made.map(({ id }) => id)).size).toBe(accounts.length * 20);
    const [deadlocks] = await one.database.query<{ count: number }>(
      "select deadlocks::integer as count from pg_stat_database where datname = current_database()",
    );
    expect(deadlocks).toEqual({ count: 0 });
    await one.close();
    await two.close();
  });
});

interface Planned {
  readonly account: number;
  /** 0: none. */
  readonly key: number;
  readonly wish: number;
  readonly hold: bigint;
  readonly retry: boolean;
}

const CAPS: readonly SpendCap[] = [
  { amount: 260n, period: "day" },
  { amount: 1000n, period: "month" },
];

const planned: fc.Arbitrary<Planned> = fc.record({
  account: fc.nat(1),
  key: fc.nat(3),
  wish: fc.nat(2),
  hold: fc.bigInt(0n, 120n),
  retry: fc.boolean(),
});
