/** Backup and restore, by the commands: what was acknowledged before a backup is in it, and what it has is whole. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readServerConfig } from "../../src/config/index.ts";
import { openDatabase } from "../../src/jobs/index.ts";
import { backup, migrateDatabase, restore, startService } from "../../src/service/index.ts";
import { judge } from "../chaos/oracle.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { noTools } from "../support/postgres-tools.ts";
import { call, create, isOver, until } from "../support/serving.ts";
import { StubEngine } from "../support/stub-engine.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
/** As the oracle bills. */
const PRICES = JSON.stringify({ "*": { unit: "tflop", micros: "1000000" } });
const PATIENCE_MS = 300_000;

let postgres: Postgres;
let without: string | undefined;
let folder: string;
beforeAll(async () => {
  postgres = await startPostgres();
  without = noTools(postgres);
});
afterAll(() => postgres.stop());
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "mixcache-backup-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => path.join(folder, name);
const configOf = (data: string, url?: string) =>
  readServerConfig({ DATA_DIR: at(data), PRICES, PORT: "0", ...(url && { DATABASE_URL: url }) });

/** API and a worker with a stub of the engine, in this process. */
async function serve(config: ReturnType<typeof configOf>, key?: string) {
  const said: string[] = [];
  const service = await startService({
    config,
    log: SILENT,
    say: (line) => said.push(line),
    openEngine: async () => new StubEngine({ stepMs: 5 }),
  });
  await service.ready;
  const secret = key ?? /mx_[a-z2-7]+/.exec(said.join("\n"))?.[0] ?? "";
  return { at: { url: service.url ?? "", key: secret }, close: () => service.close() };
}

const wish = { prompt: "a red circle", num_inference_steps: 4, output_format: "webp" };

describe("a backup of PostgreSQL", { timeout: PATIENCE_MS }, () => {
  it("has everything that was acknowledged before it, also under load; restored, it goes on to a clean end", async (context) => {
    context.skip(without !== undefined, without);
    const before = configOf("data", await postgres.database());
    const service = await serve(before);
    const acknowledged = new Set<string>();
    const state = { over: false };
    const load = async () => {
      while (!state.over) acknowledged.add(await create(service.at, { ...wish, seed: acknowledged.size }));
    };
    const loads = [load(), load(), load()];
    while (acknowledged.size < 20) await new Promise((resolve) => setTimeout(resolve, 20));
    const known = new Set(acknowledged);
    await backup(before, at("backup"));
    state.over = true;
    await Promise.all(loads);
    expect(acknowledged.size).toBeGreaterThan(known.size);
    await service.close();

    const url = await postgres.database();
    const after = configOf("data", url);
    await restore(after, at("backup"), false);
    expect(await migrateDatabase(after, SILENT)).toEqual([]);
    const restored = await serve(after, service.at.key);
    const database = await openDatabase({ url });
    const live = "select id from mixcache.videos where cost is null";
    while ((await database.query(live)).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    await restored.close();
    const { lost, faults, videos } = await judge(database, at("data/objects"), known);
    await database.close();
    expect({ lost, faults }).toEqual({ lost: 0, faults: [] });
    expect(videos).toBeGreaterThanOrEqual(known.size);
  });

  it("is not put over a database with accounts unless it is forced, and a broken one changes nothing", async (context) => {
    context.skip(without !== undefined, without);
    const url = await postgres.database();
    const config = configOf("data", url);
    const service = await serve(config);
    await backup(config, at("backup"));
    const id = await create(service.at, wish);
    await until(service.at, id, isOver);
    await service.close();
    await expect(restore(config, at("backup"), false)).rejects.toMatchObject({ code: "database_not_empty" });
    const database = await openDatabase({ url });
    const count = async () => (await database.query("select 1 from mixcache.videos")).length;
    const dump = at("backup/database.dump");
    const bytes = readFileSync(dump);
    writeFileSync(dump, bytes.subarray(0, bytes.length / 2));
    await expect(restore(config, at("backup"), true)).rejects.toMatchObject({ code: "backup_failed" });
    expect(await count()).toBe(1);
    writeFileSync(dump, bytes);
    await restore(config, at("backup"), true);
    expect(await count()).toBe(0);
    await database.close();
  });

  it("says what to install where the tools are missing, and is no backup then", async () => {
    const { PATH } = process.env;
    process.env.PATH = at("nothing");
    try {
      const config = configOf("data", "postgres://postgres:hunter2@127.0.0.1:1/x");
      await expect(backup(config, at("backup"))).rejects.toMatchObject({
        code: "backup_failed",
        message: expect.stringContaining("pg_dump could not be started. Install"),
      });
    } finally {
      process.env.PATH = PATH;
    }
    await expect(restore(configOf("data"), at("backup"), false)).rejects.toMatchObject({
      code: "backup_invalid",
    });
  });
});

describe("a backup of PGlite", { timeout: PATIENCE_MS }, () => {
  it("is made while nothing runs, with the keys of DATA_DIR for their owner only, and opens elsewhere", async () => {
    const config = configOf("data");
    const service = await serve(config);
    const id = await create(service.at, wish);
    await until(service.at, id, isOver);
    await expect(backup(config, at("too-early"))).rejects.toMatchObject({ code: "database_locked" });
    await service.close();
    await backup(config, at("backup"));
    const files = ["backup.json", "database.tar.gz", "operator-key", "webhook-key"];
    expect(readdirSync(at("backup")).sort()).toEqual(files);
    for (const name of ["", "operator-key", "webhook-key"])
      expect(statSync(path.join(at("backup"), name)).mode & 0o077).toBe(0);
    await expect(backup(config, at("backup"))).rejects.toMatchObject({ code: "output_unwritable" });

    await expect(restore(config, at("backup"), false)).rejects.toMatchObject({ code: "database_not_empty" });
    const elsewhere = configOf("elsewhere");
    await restore(elsewhere, at("backup"), false);
    for (const name of ["operator-key", "webhook-key"])
      expect(readFileSync(at(`elsewhere/${name}`), "utf8")).toBe(readFileSync(at(`data/${name}`), "utf8"));
    rmSync(at("data/database"), { recursive: true });
    await restore(config, at("backup"), true);
    expect(existsSync(at("data/database.restoring"))).toBe(false);
    const again = await serve(config, service.at.key);
    expect((await call(again.at, "GET", `/videos/${id}`)).body).toMatchObject({ id, status: "completed" });
    await again.close();
  });

  it("is not for a PostgreSQL", async () => {
    const config = configOf("data");
    await (await serve(config)).close();
    await backup(config, at("backup"));
    const other = configOf("data", "postgres://postgres@127.0.0.1:1/x");
    await expect(restore(other, at("backup"), false)).rejects.toMatchObject({ code: "backup_invalid" });
  });
});
