/** The folder store keeps to the contract, and to what only files can get wrong. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FolderStore, signedFiles } from "../../src/storage/index.ts";
import { describeObjectStore, sampleBytes } from "./object-store.ts";

const PUBLIC_URL = "http://localhost:8080";

const temporaryFolder = () => mkdtemp(path.join(tmpdir(), "mixcache-store-"));

describeObjectStore(
  "the folder store",
  async () => {
    const folder = await temporaryFolder();
    // Near the file system's: a clock that is an hour ahead takes every claim for one that a crash left.
    let nowMs = Date.now();
    const store = await FolderStore.open({ folder, publicUrl: PUBLIC_URL, now: () => nowMs });
    const serve = signedFiles(store);
    return {
      store,
      fetch: (url, init) => serve(new Request(url, init)),
      signedAgo: async (seconds, sign) => {
        nowMs -= seconds * 1000;
        const url = await sign();
        nowMs += seconds * 1000;
        return url;
      },
      close: () => rm(folder, { recursive: true }),
    };
  },
  8 * 2 ** 20,
);

let folder: string;
let store: FolderStore;
beforeEach(async () => {
  folder = await temporaryFolder();
  store = await FolderStore.open({ folder, publicUrl: PUBLIC_URL });
});
afterEach(() => rm(folder, { recursive: true }));

const isPresent = async (key: string) => (await store.head(key)) !== undefined;

describe("links in the folder", () => {
  it("lead nowhere: neither files nor folders outside are read, written, listed or deleted", async () => {
    const outside = await temporaryFolder();
    await writeFile(path.join(outside, "secret.json"), "secret");
    await symlink(path.join(outside, "secret.json"), path.join(folder, "file.json"));
    await symlink(outside, path.join(folder, "linked"));
    for (const key of ["file.json", "linked/secret.json"]) {
      expect(await store.get(key)).toBeUndefined();
      expect(await isPresent(key)).toBe(false);
    }
    await expect(store.put("linked/new.json", sampleBytes(1))).rejects.toMatchObject({ field: "key" });
    await store.delete("linked/secret.json");
    expect((await store.list("")).objects).toEqual([]);
    expect((await store.list("linked/")).objects).toEqual([]);
    expect(await readdir(outside)).toEqual(["secret.json"]);
    // Writing replaces the link and not what it leads to.
    await store.put("file.json", sampleBytes(3));
    expect(await readFile(path.join(outside, "secret.json"), "utf8")).toBe("secret");
    await rm(outside, { recursive: true });
  });
});

describe("a folder's name", () => {
  it("is no object, and an object is no folder", async () => {
    await store.put("a/b.json", sampleBytes(1));
    expect(await store.get("a")).toBeUndefined();
    await store.delete("a");
    expect(await isPresent("a/b.json")).toBe(true);
    for (const key of ["a", "a/b.json/c"])
      await expect(store.put(key, sampleBytes(1))).rejects.toMatchObject({ code: "storage_failed" });
  });
});

describe("a process that is killed while it writes", () => {
  it("leaves nothing that is seen, and what it leaves is swept when it is old", {
    timeout: 60_000,
  }, async () => {
    const child = fork(
      path.join(import.meta.dirname, "../support/slow-put.ts"),
      [folder, "videos/v/1/video.mp4"],
      {
        execArgv: [],
      },
    );
    await once(child, "message");
    child.kill("SIGKILL");
    await once(child, "exit");
    const temporaries = () => readdir(path.join(folder, ".tmp"));
    expect(await temporaries()).toHaveLength(1);
    expect(await isPresent("videos/v/1/video.mp4")).toBe(false);
    expect((await store.list("")).objects).toEqual([]);
    expect(await store.sweep()).toBe(0);
    for (const name of await temporaries())
      await utimes(path.join(folder, ".tmp", name), new Date(), new Date(Date.now() - 3_700_000));
    await FolderStore.open({ folder, publicUrl: PUBLIC_URL });
    expect(await temporaries()).toEqual([]);
  });
});

describe("the signing key", () => {
  it("is made once, for its owner only, and URLs outlive a restart", async () => {
    const mode = (await stat(path.join(folder, ".signing-key"))).mode & 0o777;
    expect(mode.toString(8)).toBe("600");
    const url = new URL(await store.signedUrl("a.mp4", { expiresInSeconds: 60 }));
    const again = await FolderStore.open({ folder, publicUrl: PUBLIC_URL });
    expect(again.verify(url)?.grant.key).toBe("a.mp4");
    const other = await FolderStore.open({ folder, publicUrl: PUBLIC_URL, signingKey: sampleBytes(32) });
    expect(other.verify(url)).toBeUndefined();
  });

  it("is the same for processes that start at once", async () => {
    const fresh = await temporaryFolder();
    const stores = await Promise.all(
      Array.from({ length: 8 }, () => FolderStore.open({ folder: fresh, publicUrl: PUBLIC_URL })),
    );
    const urls = await Promise.all(stores.map((one) => one.signedUrl("a", { expiresInSeconds: 60 })));
    for (const one of stores) for (const url of urls) expect(one.verify(new URL(url))).toBeDefined();
    expect((await readdir(fresh)).sort()).toEqual([".signing-key", ".tmp"]);
    await rm(fresh, { recursive: true });
  });

  it("that was damaged is said to be", async () => {
    await writeFile(path.join(folder, ".signing-key"), "x");
    await expect(FolderStore.open({ folder, publicUrl: PUBLIC_URL })).rejects.toThrow(
      /\.signing-key doesn.t hold what it is for/,
    );
  });
});

describe("a disk that doesn't take it", () => {
  it("is a sentence", async () => {
    await writeFile(path.join(folder, "file"), "");
    await expect(
      FolderStore.open({ folder: path.join(folder, "file"), publicUrl: PUBLIC_URL }),
    ).rejects.toMatchObject({ code: "storage_failed" });
  });
});

describe("signed files over HTTP", () => {
  const bytes = sampleBytes(1000);
  let url: string;
  beforeEach(async () => {
    await store.put("v/video.mp4", bytes);
    url = await store.signedUrl("v/video.mp4", { expiresInSeconds: 600 });
  });
  const ask = (headers: Record<string, string> = {}, method = "GET") =>
    signedFiles(store)(new Request(url, { headers, method }));

  it("answer HEAD as GET without the bytes, ranges or not", async () => {
    const head = await ask({ range: "bytes=0-1" }, "HEAD");
    expect(head.status).toBe(200);
    expect(head.headers.get("content-length")).toBe("1000");
    expect(head.headers.get("cache-control")).toMatch(/^private, max-age=(600|599)$/);
    expect((await head.arrayBuffer()).byteLength).toBe(0);
  });

  it("answer with the whole where several ranges, another unit or nonsense is asked for", async () => {
    for (const range of ["bytes=0-1,4-5", "pages=1-2", "bytes=", "bytes=-", "bytes=9-3", "bytes=a-b"]) {
      const response = await ask({ range });
      expect([range, response.status]).toEqual([range, 200]);
      expect((await response.arrayBuffer()).byteLength).toBe(1000);
    }
  });

  it("say how long the object is where a range lies outside it", async () => {
    for (const range of ["bytes=1000-", "bytes=1000-2000", "bytes=-0"]) {
      const response = await ask({ range });
      expect([range, response.status]).toEqual([range, 416]);
      expect(response.headers.get("content-range")).toBe("bytes */1000");
    }
    await store.put("v/empty.mp4", new Uint8Array());
    const empty = await store.signedUrl("v/empty.mp4", { expiresInSeconds: 60 });
    const range = (value: string) => signedFiles(store)(new Request(empty, { headers: { range: value } }));
    expect((await range("bytes=0-")).status).toBe(416);
    expect((await range("bytes=-5")).status).toBe(416);
    expect((await signedFiles(store)(new Request(empty))).status).toBe(200);
  });

  it("spare what the client has, and give the whole where its part is of another object", async () => {
    const etag = (await ask()).headers.get("etag") ?? "";
    expect((await ask({ "if-none-match": etag })).status).toBe(304);
    expect((await ask({ "if-none-match": `"x", W/${etag}` })).status).toBe(304);
    expect((await ask({ "if-none-match": '"x"' })).status).toBe(200);
    expect((await ask({ range: "bytes=0-1", "if-range": etag })).status).toBe(206);
    expect((await ask({ range: "bytes=0-1", "if-range": '"x"' })).status).toBe(200);
  });

  it("can't be written, and say nothing of what is there to whoever may not know", async () => {
    for (const method of ["PUT", "POST", "DELETE"]) expect((await ask({}, method)).status).toBe(405);
    const refused = await Promise.all(
      ["v/video.mp4", "v/none.mp4", "..%2f..%2fetc%2fpasswd"].map(async (key) => {
        const response = await signedFiles(store)(
          new Request(`${PUBLIC_URL}/objects/${key}?expires=9999999999`),
        );
        return [response.status, response.headers.get("x-should-retry"), await response.text()];
      }),
    );
    expect(new Set(refused.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(refused[0]?.slice(0, 2)).toEqual([403, "false"]);
  });

  it("are good for no longer than a week, and for names and types that are some", async () => {
    const wrong = [
      { expiresInSeconds: 0 },
      { expiresInSeconds: 604_801 },
      { expiresInSeconds: Number.NaN },
      { expiresInSeconds: 60, filename: "a/b" },
      { expiresInSeconds: 60, filename: "a\r\nset-cookie: x" },
      { expiresInSeconds: 60, contentType: "text/html; charset=x" },
    ];
    for (const options of wrong)
      await expect(store.signedUrl("a", options)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
