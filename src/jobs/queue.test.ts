import { PgBoss } from "pg-boss";
import { describe, expect, it } from "vitest";
import { openTestJobs, resultOf, usageOf } from "../../test/support/jobs.ts";
import { type Database, openDatabase } from "./index.ts";
import { priorityOf } from "./queue.ts";

/** Counts what goes to the database itself while one of its transactions is open. */
function watched(database: Database) {
  const seen = { open: 0, transactions: 0, offences: [] as string[] };
  const look = (text: string) => {
    if (seen.open > 0) seen.offences.push(text);
  };
  const watching: Database = {
    ...database,
    query: (text, values) => {
      look(text);
      return database.query(text, values);
    },
    transaction: (work) => {
      look("begin");
      return database.transaction(async (tx) => {
        seen.open += 1;
        seen.transactions += 1;
        try {
          return await work(tx);
        } finally {
          seen.open -= 1;
        }
      });
    },
  };
  return { seen, watching };
}

describe("inside a transaction", () => {
  it("nothing of a video's life touches the outer handle, which on PGlite would never answer", async () => {
    const { seen, watching } = watched(await openDatabase("memory"));
    const { jobs, account, create, take, expire, close } = await openTestJobs(watching);
    const accountId = await account({ maxRunning: 5 });
    await create(accountId, { idempotencyKey: "key" });
    await create(accountId, { retry: true });
    const first = await take();
    await jobs.handBack(first);
    const second = await take();
    await jobs.heartbeat(second, { percent: 1 });
    await jobs.settle(second, {
      kind: "failed",
      error: { code: "engine_crashed", message: "" },
      retry: true,
    });
    const third = await take();
    await jobs.settle(third, { kind: "completed", result: resultOf(third), usage: usageOf(1) });
    await create(accountId);
    await expire(await take());
    await jobs.sweep();
    await jobs.cancel(accountId, (await take()).video.id);
    await create(accountId, { fingerprint: "new" });
    const { id } = await create(accountId, { fingerprint: "newer" });
    await jobs.cancel(accountId, id);
    expect(seen.transactions).toBeGreaterThan(12);
    expect(seen.offences).toEqual([]);
    await close();
  });

  it("pg-boss goes there when it meets a queue that it doesn't know: that is why the start asks for ours", async () => {
    const database = await openDatabase("memory");
    const db = (sql: Pick<Database, "query">) => ({
      executeSql: async (text: string, values?: unknown[]) => ({ rows: await sql.query(text, values) }),
    });
    const open = () =>
      new PgBoss({ db: db(database), backend: "pglite", supervise: false, schedule: false }).start();
    const boss = await open();
    const other = await open();
    await other.createQueue("cold");
    const send = () => database.transaction((tx) => boss.send("cold", {}, { db: db(tx) }));
    await expect(send()).rejects.toMatchObject({ code: "database_misused" });
    await boss.findJobs("cold", { id: "00000000-0000-0000-0000-000000000000" });
    expect(await send()).toEqual(expect.any(String));
    for (const one of [boss, other]) await one.stop({ graceful: false, close: false });
    await database.close();
  });
});

describe("priorities", () => {
  it("count down from the top of 32 bits, so that four billion turns fit", () => {
    expect(priorityOf(1)).toBeGreaterThan(priorityOf(2));
    expect(priorityOf(1)).toBeLessThan(2 ** 31);
    expect(priorityOf(2 ** 32 - 1)).toBe(-(2 ** 31));
  });
});
