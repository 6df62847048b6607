import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Postgres, startPostgres } from "../../test/support/postgres.ts";
import { checkSchema, type Database, MIGRATIONS, migrate, openDatabase } from "./index.ts";
import { openPostgres } from "./postgres.ts";

const folder = mkdtempSync(path.join(tmpdir(), "mixcache-database-"));
let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

const kinds = {
  pglite: () => openDatabase("memory"),
  postgres: async () => openDatabase({ url: await postgres.database() }),
};

describe.each(Object.entries(kinds))("on %s", (_, open) => {
  let database: Database;
  beforeAll(async () => {
    database = await open();
    await database.query("create table counts (n integer)");
  });
  afterAll(() => database.close());
  const counts = async () =>
    (await database.query<{ n: number }>("select n from counts order by n")).map(({ n }) => n);

  it("a transaction is there when it returns, and was never when it throws", async () => {
    await database.transaction((tx) => tx.query("insert into counts values ($1)", [1]));
    const failed = database.transaction(async (tx) => {
      await tx.query("insert into counts values ($1)", [2]);
      throw new Error("changed my mind");
    });
    await expect(failed).rejects.toThrow("changed my mind");
    expect(await counts()).toEqual([1]);
  });

  it("refuses the outer handle inside a transaction instead of waiting for itself for ever", async () => {
    const misuse = database.transaction(() => database.query("select 1"));
    await expect(misuse).rejects.toMatchObject({ code: "database_misused" });
    const nested = database.transaction(() => database.transaction(async () => 1));
    await expect(nested).rejects.toMatchObject({ code: "database_misused" });
    expect(await database.query("select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("goes on after a failed statement, also one of several that had begun a transaction", async () => {
    await expect(
      database.query("begin; insert into counts values (9); select * from nowhere; commit"),
    ).rejects.toThrow("nowhere");
    expect(await counts()).toEqual([1]);
  });

  it("runs a transaction again that was given up for a deadlock", async () => {
    let runs = 0;
    const deadlock = Object.assign(new Error("deadlock"), { code: "40P01" });
    const result = await database.transaction(async (tx) => {
      runs += 1;
      await tx.query("insert into counts values ($1)", [runs]);
      if (runs < 3) throw deadlock;
      return runs;
    });
    expect(result).toBe(3);
    expect(await counts()).toEqual([1, 3]);
    await expect(database.transaction(() => Promise.reject(deadlock))).rejects.toBe(deadlock);
  });

  it("tells listeners what was notified, and no more when they have ended", async () => {
    const heard: string[] = [];
    const first = Promise.withResolvers<void>();
    const end = await database.listen("news", (payload) => {
      heard.push(payload);
      first.resolve();
    });
    await database.query("select pg_notify($1, $2)", ["news", "one"]);
    await first.promise;
    await end();
    await database.query("select pg_notify($1, $2)", ["news", "two"]);
    await database.query("select 1");
    expect(heard).toEqual(["one"]);
  });

  it("applies the schema once, however many start at the same time", async () => {
    const applied = await Promise.all([migrate(database, MIGRATIONS), migrate(database, MIGRATIONS)]);
    expect(applied.flat().sort()).toEqual(MIGRATIONS.map(({ id }) => id));
  });

  it("works with a database that others expanded, and refuses one that others contracted", async () => {
    const older = [...MIGRATIONS];
    const expands = { id: "9001-expands", sql: "create table mixcache.of_tomorrow (id text)" };
    expect(await migrate(database, [...older, expands])).toEqual([expands.id]);
    expect(await migrate(database, older)).toEqual([]);
    await checkSchema(database, older);
    const contracts = {
      id: "9002-contracts",
      sql: "drop table mixcache.of_tomorrow",
      contracts: true,
    } as const;
    await migrate(database, [...older, expands, contracts]);
    for (const open of [migrate, checkSchema])
      await expect(open(database, older)).rejects.toMatchObject({ code: "database_newer" });
    await database.query("delete from mixcache.migrations where id like '900%'");
  });

  it("names the steps that a database lacks to who may not apply them", async () => {
    await expect(checkSchema(database, [...MIGRATIONS, { id: "9003-x", sql: "" }])).rejects.toMatchObject({
      code: "database_older",
      message: expect.stringMatching(/lacks 9003-x\. Run mixcache migrate/),
    });
  });

  it("refuses a step that is not what it was, however it is formatted", async () => {
    const changed = MIGRATIONS.map((step, index) =>
      index === 0 ? { ...step, sql: `${step.sql} select 1;` } : step,
    );
    await expect(migrate(database, changed)).rejects.toMatchObject({ code: "database_newer" });
    const formatted = MIGRATIONS.map((step) => ({ ...step, sql: step.sql.replaceAll("\n", "\n  ") }));
    expect(await migrate(database, formatted)).toEqual([]);
  });
});

describe("PGlite's folder", () => {
  it("is one process's; a second gets a sentence, and after closing the next may", async () => {
    const place = { folder: path.join(folder, "pglite") };
    const first = await openDatabase(place);
    await expect(openDatabase(place)).rejects.toMatchObject({
      code: "database_locked",
      message: expect.stringContaining(place.folder),
    });
    await first.query("create table kept (n integer)");
    await first.close();
    const second = await openDatabase(place);
    expect(await second.query("select * from kept")).toEqual([]);
    await second.close();
  });

  it("that can't be made, or holds what is no database, is said to be so", async () => {
    const file = path.join(folder, "file");
    writeFileSync(file, "");
    await expect(openDatabase({ folder: path.join(file, "database") })).rejects.toMatchObject({
      code: "storage_failed",
      message: expect.stringContaining("DATA_DIR"),
    });
    const broken = path.join(folder, "broken");
    mkdirSync(broken);
    writeFileSync(path.join(broken, "PG_VERSION"), "17");
    await expect(openDatabase({ folder: broken })).rejects.toMatchObject({
      code: "database_unavailable",
      message: expect.stringContaining(broken),
    });
    // A lock that can't be written is no other process.
    mkdirSync(path.join(folder, "odd.lock"));
    await expect(openDatabase({ folder: path.join(folder, "odd") })).rejects.toMatchObject({
      code: "storage_failed",
    });
  });
});

describe("PostgreSQL", () => {
  it("that can't be reached is said to be", async () => {
    await expect(openDatabase({ url: "postgres://postgres@127.0.0.1:1/none" })).rejects.toMatchObject({
      code: "database_unavailable",
    });
  });

  it("that refuses is said to refuse", async () => {
    const url = new URL(await postgres.database());
    url.pathname = "/there_is_none";
    await expect(openDatabase({ url: url.href })).rejects.toMatchObject({
      code: "database_unavailable",
      message: expect.stringContaining("DATABASE_URL"),
    });
  });

  it("ends a transaction that fell silent, so that its locks hold up nobody", async () => {
    const url = await postgres.database();
    const silent = await openPostgres(url, 1, 100);
    const other = await openPostgres(url);
    await other.query("create table places (n integer)");
    await other.query("insert into places values (1)");
    const locked = Promise.withResolvers<void>();
    const resumed = Promise.withResolvers<void>();
    const zombie = silent.transaction(async (tx) => {
      await tx.query("select n from places for update");
      locked.resolve();
      await resumed.promise;
      await tx.query("update places set n = 2");
    });
    const refused = expect(zombie).rejects.toMatchObject({ code: "database_unavailable" });
    await locked.promise;
    await other.transaction((tx) => tx.query("update places set n = 3"));
    resumed.resolve();
    await refused;
    expect(await silent.query("select n from places")).toEqual([{ n: 3 }]);
    await silent.close();
    await other.close();
  });

  it("listens again after its connection was cut", async () => {
    const database = await openDatabase({ url: await postgres.database() });
    const heard = Promise.withResolvers<string>();
    const end = await database.listen("news", heard.resolve);
    await database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mixcache listener' and datname = current_database()",
    );
    const again = setInterval(() => database.query("select pg_notify('news', 'back')"), 100);
    expect(await heard.promise).toBe("back");
    clearInterval(again);
    await end();
    await database.close();
  });
});
