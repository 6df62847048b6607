/** Bundles to a store and back, through everything that happens to networks, disks and processes on the way. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdtemp, open, readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type BundleStore,
  breaking,
  openStoreAt,
  systemTiming,
} from "../../../test/support/bundle-stores.ts";
import { parseManifest, readBundle } from "../../engine/bundle/read.ts";
import type { FolderStore } from "../../storage/index.ts";
import { FolderFiles } from "../bundle-folder.ts";
import { EMBEDDED_BUNDLE } from "../embedded.ts";
import { digestIn, fileKey, manifestKey } from "./objects.ts";
import { type PullOptions, pullBundle, pulledFolder, pullManifest } from "./pull.ts";
import { pushBundle } from "./push.ts";

const PATIENCE_MS = 120_000;
const PULL_MAIN = path.join(import.meta.dirname, "../../../test/support/pull-main.ts");

/** A place with the embedded model, which the tests leave as it is. */
let place: string;
let digest: string;
let totalBytes: number;
beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), "mixcache-bundles-"));
  const pushed = await pushBundle(EMBEDDED_BUNDLE, objectsOf(await openStoreAt(place)));
  digest = pushed.digest;
  totalBytes = pushed.sent.bytes + pushed.skipped.bytes;
}, PATIENCE_MS);
afterAll(() => rm(place, { recursive: true }));

let cache: string;
let store: FolderStore;
beforeEach(async () => {
  cache = await mkdtemp(path.join(tmpdir(), "mixcache-bundle-cache-"));
  store = await openStoreAt(place);
});
afterEach(() => rm(cache, { recursive: true }));

/** Waits for nothing: what failed is tried again at once. */
const hasty = { nowMs: () => 0, wait: async () => {} };

function objectsOf(of: BundleStore) {
  return { store: of, url: "s3://models/mixcache" };
}

const pull = (more: Partial<PullOptions> = {}) =>
  pullBundle({ objects: objectsOf(store), digest, cache, timing: hasty, ...more });

async function expectWhole(folder: string): Promise<void> {
  expect((await readBundle(new FolderFiles(folder))).digest).toBe(digest);
  expect(folder).toBe(pulledFolder(cache, digest));
  expect(existsSync(path.join(cache, ".partial", digest))).toBe(false);
}

/** A store of its own, to be spoilt. */
async function copied(): Promise<FolderStore> {
  const folder = path.join(cache, "store");
  await cp(place, folder, { recursive: true });
  return openStoreAt(folder);
}

async function manifestEntry(file: string) {
  const manifest = parseManifest(await readFile(path.join(EMBEDDED_BUNDLE, "model.json"), "utf8"), "it");
  const entry = manifest.files[file];
  if (!entry) throw new Error(`${file} is no file of the bundle.`);
  return entry;
}

const start = (more: string[] = []) =>
  fork(PULL_MAIN, [place, cache, digest, ...more], {
    execArgv: [],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe("push", { timeout: PATIENCE_MS }, () => {
  it("sends nothing twice: of a bundle that is there nothing, of one that was cut off what is missing", async () => {
    const own = await copied();
    const again = await pushBundle(EMBEDDED_BUNDLE, objectsOf(own));
    expect(again.sent).toEqual({ files: 0, bytes: 0 });
    expect(again.skipped.bytes).toBe(totalBytes);
    const { bytes, sha256 } = await manifestEntry("front.bin");
    await own.delete(fileKey(sha256));
    await own.delete(manifestKey(digest));
    const rest = await pushBundle(EMBEDDED_BUNDLE, objectsOf(own));
    expect(rest.sent).toEqual({ files: 1, bytes });
    await expectWhole((await pull({ objects: objectsOf(own) })).folder);
  });

  it("refuses a bundle that is not what its manifest says, and leaves no manifest behind", async () => {
    const broken = path.join(cache, "broken");
    await cp(EMBEDDED_BUNDLE, broken, { recursive: true });
    await truncate(path.join(broken, "front.bin"), 100);
    const empty = await openStoreAt(path.join(cache, "empty"));
    await expect(pushBundle(broken, objectsOf(empty))).rejects.toMatchObject({
      code: "bundle_digest_mismatch",
    });
    expect((await empty.list("")).objects).toEqual([]);
  });
});

describe("pull", { timeout: PATIENCE_MS }, () => {
  it("gives the bundle, whole and under its digest, and the second time at once", async () => {
    const first = await pull();
    expect(first).toMatchObject({ fetchedBytes: totalBytes, totalBytes });
    await expectWhole(first.folder);
    const unused: BundleStore = new Proxy(store, {
      get: () => () => {
        throw new Error("The store was asked.");
      },
    });
    expect(await pull({ objects: objectsOf(unused) })).toMatchObject({ fetchedBytes: 0, totalBytes });
  });

  it("of a process that was killed in the middle of a file goes on at that byte", async () => {
    const child = start([String(Math.floor(totalBytes / 2))]);
    expect(await once(child, "message")).toEqual(["stalled", undefined]);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(existsSync(pulledFolder(cache, digest))).toBe(false);
    const partial = path.join(cache, ".partial", digest);
    expect((await readdir(partial, { recursive: true })).some((name) => name.endsWith(".part"))).toBe(true);
    const there = await bytesIn(partial);
    expect(there).toBeGreaterThan(totalBytes / 3);
    const { folder, fetchedBytes } = await pull();
    expect(fetchedBytes).toBe(totalBytes - there);
    await expectWhole(folder);
  });

  it("by several processes at once is done by one of them; all have the whole", async () => {
    const children = [start(), start(), start()];
    const told = await Promise.all(children.map((child) => once(child, "message")));
    const fetched = told.map(([message]) => (message as { fetchedBytes: number }).fetchedBytes);
    expect(fetched.toSorted((a, b) => a - b)).toEqual([0, 0, totalBytes]);
    await expectWhole(pulledFolder(cache, digest));
  });

  it("is not held up by the lock of a process that was killed, and waits for one that lives", async () => {
    const child = start([String(Math.floor(totalBytes / 2))]);
    await once(child, "message");
    const said: string[] = [];
    const second = pull({ timing: systemTiming, say: (line) => said.push(line) });
    while (said.length === 0) await systemTiming.wait(10, new AbortController().signal);
    expect(said[0]).toContain("another process on this machine");
    child.kill("SIGKILL");
    await expectWhole((await second).folder);
  });

  it("goes on through a connection that breaks again and again", async () => {
    const { folder, fetchedBytes } = await pull({ objects: objectsOf(breaking(store, 200_000)) });
    expect(fetchedBytes).toBe(totalBytes);
    await expectWhole(folder);
  });

  it("gives up a connection that brings nothing, with what it has kept", async () => {
    const get: BundleStore["get"] = (key) => (key.startsWith("files/") ? fail() : store.get(key));
    const dead = objectsOf({ ...breaking(store, 1), get });
    await expect(pull({ objects: dead })).rejects.toThrow("ECONNREFUSED");
    await expectWhole((await pull()).folder);
  });

  it("repairs what was left in a partial file that has holes", async () => {
    const child = start([String(Math.floor(totalBytes / 2))]);
    await once(child, "message");
    child.kill("SIGKILL");
    await once(child, "exit");
    const partial = path.join(cache, ".partial", digest);
    const parts = (await readdir(partial)).filter((name) => name.endsWith(".part"));
    for (const name of parts) {
      const file = await open(path.join(partial, name), "r+");
      if ((await file.stat()).size > 0) await file.write(Buffer.from([255, 255, 255]), 0, 3, 0);
      await file.close();
    }
    await expectWhole((await pull()).folder);
  });

  it("that verifies finds a byte that has turned, and fetches that file alone", async () => {
    const { folder } = await pull();
    const { bytes } = await manifestEntry("front.bin");
    const file = await open(path.join(folder, "front.bin"), "r+");
    await file.write(Buffer.from([1]), 0, 1, 1000);
    await file.close();
    expect(await pull({ verify: true })).toMatchObject({ fetchedBytes: bytes });
    await expectWhole(folder);
    expect(await pull({ verify: true })).toMatchObject({ fetchedBytes: 0 });
  });

  it("of a bundle that lacks a file fetches it again, without being told to", async () => {
    const { folder } = await pull();
    await rm(path.join(folder, "head.bin"));
    expect((await pull()).fetchedBytes).toBe((await manifestEntry("head.bin")).bytes);
    await expectWhole(folder);
  });
});

async function fail(): Promise<never> {
  throw new Error("ECONNREFUSED");
}

describe("what is not what it has to be", { timeout: PATIENCE_MS }, () => {
  it("a digest that nobody pushed is refused with a sentence", async () => {
    await expect(pull({ digest: "0".repeat(64) })).rejects.toMatchObject({
      code: "bundle_not_found",
      message: expect.stringMatching(/no bundle sha256:0{64} in s3:\/\/models\/mixcache\. Put it there with/),
    });
  });

  it("a manifest that is another one than its name says is refused", async () => {
    const own = await copied();
    const text = await readFile(path.join(EMBEDDED_BUNDLE, "model.json"), "utf8");
    await own.put(manifestKey(digest), new TextEncoder().encode(text.replace("Shapes", "Shades")));
    for (const take of [
      pull,
      (more: Partial<PullOptions>) =>
        pullManifest({ objects: objectsOf(own), digest, cache, timing: hasty, ...more }),
    ])
      await expect(take({ objects: objectsOf(own) })).rejects.toMatchObject({
        code: "bundle_digest_mismatch",
        message: expect.stringContaining("push the bundle again"),
      });
    expect(existsSync(pulledFolder(cache, digest))).toBe(false);
  });

  it.each([
    ["changed", (bytes: Uint8Array) => bytes.map((byte, at) => (at === 5 ? byte ^ 1 : byte))],
    ["cut off", (bytes: Uint8Array) => bytes.subarray(0, 1000)],
    ["longer", (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc(10)])],
  ])("a file that was %s in the store is refused, and there is no bundle", async (_, spoil) => {
    const own = await copied();
    const { sha256 } = await manifestEntry("front.bin");
    await own.put(fileKey(sha256), spoil(await readFile(path.join(EMBEDDED_BUNDLE, "front.bin"))));
    await expect(pull({ objects: objectsOf(own) })).rejects.toMatchObject({
      code: "bundle_digest_mismatch",
      message: expect.stringContaining("front.bin"),
    });
    expect(existsSync(pulledFolder(cache, digest))).toBe(false);
  });

  it("a file that is missing in the store is named", async () => {
    const own = await copied();
    await own.delete(fileKey((await manifestEntry("front.bin")).sha256));
    await expect(pull({ objects: objectsOf(own) })).rejects.toMatchObject({
      code: "bundle_file_missing",
      message: expect.stringContaining("front.bin"),
    });
  });
});

describe("a place", () => {
  it("with one bundle needs no digest, with several it does, and an empty one says so", async () => {
    expect(await digestIn(objectsOf(store), undefined)).toBe(digest);
    const empty = await openStoreAt(path.join(cache, "empty"));
    await expect(digestIn(objectsOf(empty), undefined)).rejects.toMatchObject({ code: "bundle_not_found" });
    for (const name of ["1", "2"]) await empty.put(manifestKey(name.repeat(64)), new Uint8Array(1));
    await expect(digestIn(objectsOf(empty), undefined)).rejects.toThrow(/There are 2 bundles/);
    expect(await digestIn(objectsOf(empty), "3".repeat(64))).toBe("3".repeat(64));
  });
});
