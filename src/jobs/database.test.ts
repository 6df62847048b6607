import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Postgres, startPostgres } from "../../test/support/postgres.ts";
import { atOnce } from "./at-once.ts";
import type { Sql } from "./database-contract.ts";
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

  it("keeps a statement prepared, also when it failed and when its table has changed", async () => {
    await database.query("create table things (id integer primary key)");
    const insert = (id: number) => database.query("insert into things values ($1)", [id]);
    await insert(1);
    await expect(insert(1)).rejects.toMatchObject({ code: "23505" });
    await insert(2);
    const read = () => database.query("select * from things where id > $1 order by id", [0]);
    expect(await read()).toEqual([{ id: 1 }, { id: 2 }]);
    await database.query("alter table things add column name text default 'new'");
    expect(await read()).toEqual([1, 2].map((id) => ({ id, name: "new" })));
    await database.query("alter table things drop column name");
    expect(await database.transaction((tx) => tx.query("select * from things where id > $1", [1]))).toEqual([
      { id: 2 },
    ]);
    expect(await read()).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it("keeps no more statements than a service has", async () => {
    await database.transaction(async (tx) => {
      for (let n = 0; n < 420; n++)
        expect(await tx.query(`select $1::integer + ${n} as sum`, [1])).toEqual([{ sum: n + 1 }]);
      const [kept] = await tx.query<{ count: number }>(
        "select count(*)::integer as count from pg_prepared_statements",
      );
      expect(kept?.count).toBeGreaterThan(200);
      expect(kept?.count).toBeLessThanOrEqual(401);
    });
  });

  it("leaves nothing of statements that went out together with one that failed", async () => {
    await database.query("create table together (n integer primary key)");
    const insert = (tx: Sql, n: number) =>
      tx.query<{ n: number }>("insert into together values ($1) returning n", [n]);
    const failed = database.transaction((tx) => atOnce([insert(tx, 1), insert(tx, 1), insert(tx, 2)]));
    await expect(failed).rejects.toMatchObject({ code: "23505" });
    const wrong = database.transaction((tx) =>
      atOnce([tx.query("insert into nowhere values ($1)", [1]), insert(tx, 3), insert(tx, 4)]),
    );
    await expect(wrong).rejects.toMatchObject({ code: "42P01" });
    const made = database.transaction((tx) => atOnce([insert(tx, 5), insert(tx, 6)]));
    expect(await made).toEqual([[{ n: 5 }], [{ n: 6 }]]);
    expect(await database.query("select n from together order by n")).toEqual([{ n: 5 }, { n: 6 }]);
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

describe("PGlite", () => {
  it("is tended: the planner knows how large tables have become, and what was deleted makes room", async () => {
    const database = await openDatabase("memory");
    const use = async (times: number) => {
      for (let time = 0; time < times; time++) await database.query("select $1::integer", [time]);
    };
    const size = async () =>
      database.query<{ rows: number; bytes: number }>(
        "select reltuples::integer as rows, pg_relation_size(oid)::integer as bytes from pg_class where relname = $1",
        ["large"],
      );
    await database.query("create schema mixcache; create table mixcache.large (n integer)");
    await database.query("insert into mixcache.large select generate_series(1, $1::integer)", [20_000]);
    await use(64);
    expect(await size()).toEqual([{ rows: 20_000, bytes: expect.any(Number) }]);
    await database.query("delete from mixcache.large where n > $1", [100]);
    await use(128);
    expect((await size())[0]?.bytes).toBe(8192);
    await database.close();
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
