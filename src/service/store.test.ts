import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Database, MIGRATIONS, migrate, openDatabase } from "../jobs/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import { checkInstallation, openStore, placeOf } from "./store.ts";

let folder: string;
let [ours, theirs]: Database[] = [];
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mixcache-installation-"));
  [ours, theirs] = await Promise.all([openDatabase("memory"), openDatabase("memory")]);
  await Promise.all([ours, theirs].map((database) => migrate(database, MIGRATIONS)));
});
afterAll(async () => {
  await Promise.all([ours, theirs].map((database) => database?.close()));
  await rm(folder, { recursive: true });
});

const storeIn = async (name: string) =>
  (await openStore({ dataDir: path.join(folder, name) }, "http://localhost")).store;
const check = (database: Database | undefined, store: ObjectStore) => {
  if (!database) throw new Error("There is no database.");
  return checkInstallation(database, store, "the bucket videos");
};

it("a store belongs to the first database that it meets, and to no other", async () => {
  const store = await storeIn("shared");
  await Promise.all([check(ours, store), check(ours, store)]);
  await expect(check(theirs, store)).rejects.toMatchObject({
    code: "installation_mismatch",
    message: expect.stringMatching(
      /^The bucket videos belongs to the installation [0-9a-f-]{36}, this database to /,
    ),
  });
  await check(ours, store);
});

it("a database may have a new store, and one whose mark was deleted by hand", async () => {
  await check(theirs, await storeIn("own"));
  const store = await storeIn("shared");
  await store.delete("installation.json");
  await check(theirs, store);
  await expect(check(ours, store)).rejects.toMatchObject({ code: "installation_mismatch" });
});

it("a mark that can't be read is nobody's, and stays", async () => {
  const store = await storeIn("damaged");
  await store.put("installation.json", new TextEncoder().encode("{"));
  await expect(check(ours, store)).rejects.toThrow(/holds an installation\.json that can't be read/);
});

it("says where videos are", () => {
  const s3 = { bucket: "videos", prefix: "prod/" };
  expect(placeOf({ dataDir: "/data" })).toBe("the folder /data/objects");
  expect(placeOf({ dataDir: "/data", s3 })).toBe("the bucket videos/prod/ on Amazon S3");
  const elsewhere = { bucket: "videos", endpoint: "https://s3.example.com:9000" };
  expect(placeOf({ dataDir: "/data", s3: elsewhere })).toBe("the bucket videos on s3.example.com:9000");
});
