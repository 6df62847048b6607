import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Embeddings } from "../engine/embeddings.ts";
import { EmbeddingFolder } from "./embedding-cache.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mixcache-embeddings-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const KEY = { bundle: "a".repeat(64), encoder: "text", ids: [5, 6, 1], length: 3 };

const VALUES: Embeddings = {
  half: { dtype: "float16", dims: [1, 3], data: Uint16Array.of(1, 2, 65535) },
  context: { dtype: "float32", dims: [1, 2, 2], data: Float32Array.of(0.1, -0, Number.NaN, 3e38) },
  nothing: { dtype: "float32", dims: [1, 0, 4], data: new Float32Array(0) },
};

function open(options: { maxBytes?: number; engine?: string } = {}): EmbeddingFolder {
  return new EmbeddingFolder({ folder, maxBytes: 1e6, engine: "onnx 1 cpu", ...options });
}

async function onlyFile(): Promise<string> {
  const names = await readdir(folder);
  expect(names.length).toBe(1);
  return path.join(folder, names[0] ?? "");
}

describe("an embedding folder", () => {
  it("gives what was put, bit for bit, to any process that opens the folder", async () => {
    await open().put(KEY, VALUES);
    expect(await open().get(KEY)).toEqual(VALUES);
  });

  it.each<[string, Partial<typeof KEY>, { engine?: string }]>([
    ["another bundle", { bundle: "b".repeat(64) }, {}],
    ["another encoder", { encoder: "text_2" }, {}],
    ["other ids", { ids: [5, 61], length: 2 }, {}],
    ["ids of which fewer are the text's own", { length: 2 }, {}],
    ["another engine", {}, { engine: "onnx 1 cpu 2 threads" }],
  ])("has no answer for %s", async (_, change, options) => {
    await open().put(KEY, VALUES);
    expect(await open(options).get({ ...KEY, ...change })).toBeUndefined();
  });

  it.each<[string, (file: string) => Promise<void>]>([
    ["cut short", (file) => truncate(file, 300)],
    ["cut inside its first line", (file) => truncate(file, 40)],
    ["empty", (file) => truncate(file, 0)],
    [
      "of other bytes",
      async (file) =>
        writeFile(
          file,
          (await readFile(file)).map((b, i, all) => (i === all.length - 1 ? b ^ 1 : b)),
        ),
    ],
    ["longer", async (file) => writeFile(file, Buffer.concat([await readFile(file), Buffer.of(0)]))],
    ["no such file at all", (file) => writeFile(file, "hello\nworld")],
  ])("a file that is %s is none, and is removed", async (_, spoil) => {
    await open().put(KEY, VALUES);
    await spoil(await onlyFile());
    expect(await open().get(KEY)).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
    await open().put(KEY, VALUES);
    expect(await open().get(KEY)).toEqual(VALUES);
  });

  it("stays within its limit: what was not used for longest goes first", async () => {
    await open().put(KEY, VALUES);
    const { size } = await stat(await onlyFile());
    const cache = open({ maxBytes: 3 * size });
    const keys = [1, 2, 3, 4].map((id) => ({ ...KEY, ids: [id], length: 1 }));
    await rm(await onlyFile());
    for (const [age, key] of keys.slice(0, 3).entries()) {
      await cache.put(key, VALUES);
      for (const name of await readdir(folder)) {
        const file = path.join(folder, name);
        const { mtimeMs } = await stat(file);
        // Older than anything that comes later, in the order of their making.
        if (mtimeMs > 1e9) await utimes(file, 1000 + age, 1000 + age);
      }
    }
    expect(await cache.get(keys[0] ?? KEY)).toBeDefined();
    await cache.put(keys[3] ?? KEY, VALUES);
    const found = await Promise.all(keys.map(async (key) => (await cache.get(key)) !== undefined));
    expect(found).toEqual([true, false, true, true]);
  });

  it("does not keep what is larger than all it may hold", async () => {
    await open({ maxBytes: 10 }).put(KEY, VALUES);
    expect(await readdir(folder)).toEqual([]);
  });

  it("removes what a process left that died while writing, but not what one is writing", async () => {
    await writeFile(path.join(folder, "dead.tmp"), "x");
    await utimes(path.join(folder, "dead.tmp"), 1000, 1000);
    await writeFile(path.join(folder, "alive.tmp"), "x");
    await open().put(KEY, VALUES);
    const names = await readdir(folder);
    expect(names).toContain("alive.tmp");
    expect(names).not.toContain("dead.tmp");
  });

  it("ten at once, the same and others, leave whole files only", async () => {
    const keys = Array.from({ length: 10 }, (_, i) => ({ ...KEY, ids: [i % 3] }));
    await Promise.all(keys.map((key) => open().put(key, VALUES)));
    expect((await readdir(folder)).length).toBe(3);
    for (const key of keys) expect(await open().get(key)).toEqual(VALUES);
  });

  it("processes that write, read and make room at the same time never read anything but what was put", async () => {
    const script = `
      const { EmbeddingFolder } = await import(${JSON.stringify(new URL("./embedding-cache.ts", import.meta.url).href)});
      const cache = new EmbeddingFolder({ folder: ${JSON.stringify(folder)}, maxBytes: 40_000, engine: "" });
      let found = 0;
      for (let round = 0; round < 120; round++) {
        const id = round % 12;
        const key = { bundle: "b", encoder: "text", ids: [id], length: 1 };
        await cache.put(key, { x: { dtype: "float32", dims: [1000], data: new Float32Array(1000).fill(id) } });
        const got = await cache.get(key);
        if (got && !got.x.data.every((value) => value === id)) process.exit(1);
        if (got) found += 1;
      }
      process.exit(found > 0 ? 0 : 2);`;
    const codes = await Promise.all(
      Array.from({ length: 3 }, () => {
        const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" });
        return new Promise((resolve) => child.on("close", resolve));
      }),
    );
    expect(codes).toEqual([0, 0, 0]);
    const sizes = await Promise.all((await readdir(folder)).map((name) => stat(path.join(folder, name))));
    expect(sizes.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(40_000);
  });

  it("a folder that can't be written costs nothing but the cache", async () => {
    await writeFile(path.join(folder, "file"), "");
    const cache = new EmbeddingFolder({ folder: path.join(folder, "file", "x"), maxBytes: 1e6, engine: "" });
    await expect(cache.put(KEY, VALUES)).resolves.toBeUndefined();
    await expect(cache.get(KEY)).resolves.toBeUndefined();
  });
});
