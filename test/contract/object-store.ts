/**
 * What every `ObjectStore` keeps to, as a function from a store to tests: the folder store and S3 run the same ones.
 */

import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ObjectStore } from "../../src/storage/index.ts";

/** A store of its own for one run of the suite, and a way to its signed URLs. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** Asks for a signed URL, as a client would. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
  /** What `sign` gives where it is called so many seconds ago. */
  readonly signedAgo: (seconds: number, sign: () => Promise<string>) => Promise<string>;
  /** S3 signs what a URL says and not how it is spelled, and answers 400 to what is no signed URL any more. */
  readonly isS3?: true;
  readonly close: () => Promise<void>;
}

const MIB = 2 ** 20;

/** Bytes that differ from place to place, so that a shifted or repeated chunk shows. */
export function sampleBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/**
 * @param open makes an empty store
 * @param largeBytes the size of the largest stream; 64 MiB where time allows
 */
export function describeObjectStore(
  name: string,
  open: () => Promise<StoreUnderTest>,
  largeBytes = 64 * MIB,
): void {
  describe(`${name} as an ObjectStore`, () => {
    let under: StoreUnderTest;
    let store: ObjectStore;
    beforeAll(async () => {
      under = await open();
      store = under.store;
    });
    afterAll(() => under?.close());

    const read = async (key: string, range?: { first: number; last: number }) => {
      const object = await store.get(key, range ? { range } : {});
      return object && new Uint8Array(await new Response(object.body).arrayBuffer());
    };

    describe("bytes", () => {
      it.each([0, 1, 200_045, largeBytes])(
        "come back as they went, as a stream of %i bytes",
        async (length) => {
          const bytes = sampleBytes(length, length + 1);
          const key = `streams/${length}.mp4`;
          const written = await store.put(key, inChunks(bytes, 70_001));
          expect(written).toEqual({ bytes: length, sha256: sha256(bytes) });
          expect(await store.head(key)).toMatchObject({ key, bytes: length });
          const back = await read(key);
          expect(back?.byteLength).toBe(length);
          expect(sha256(back ?? new Uint8Array(1))).toBe(written.sha256);
        },
      );

      it("go in at once too, or through a web stream, and replace what was there", async () => {
        await store.put("replaced.json", sampleBytes(5000));
        const before = await store.head("replaced.json");
        const body = new Blob([sampleBytes(300, 9)]).stream();
        await store.put("replaced.json", body);
        expect(await read("replaced.json")).toEqual(sampleBytes(300, 9));
        expect((await store.head("replaced.json"))?.etag).not.toBe(before?.etag);
      });

      it("that aren't what was promised are refused, and leave what was there", async () => {
        await store.put("promised.bin", sampleBytes(10));
        for (const key of ["promised.bin", "never.bin"])
          await expect(
            store.put(key, sampleBytes(11), { sha256: sha256(sampleBytes(10)) }),
          ).rejects.toMatchObject({ code: "storage_digest_mismatch" });
        expect(await read("promised.bin")).toEqual(sampleBytes(10));
        expect(await store.head("never.bin")).toBeUndefined();
        const kept = await store.put("never.bin", sampleBytes(11), { sha256: sha256(sampleBytes(11)) });
        expect(kept.bytes).toBe(11);
      });

      it("of a stream that fails are never seen", async () => {
        async function* failing() {
          yield sampleBytes(6 * MIB);
          throw new Error("The encoder died.");
        }
        await expect(store.put("half/video.mp4", failing())).rejects.toThrow("The encoder died.");
        await expect(store.putIfAbsent("half/video.mp4", failing())).rejects.toThrow("The encoder died.");
        expect(await store.get("half/video.mp4")).toBeUndefined();
        expect((await store.list("half/")).objects).toEqual([]);
      });

      it("are read in ranges", async () => {
        const bytes = sampleBytes(200_045);
        await store.put("ranges.mp4", bytes);
        for (const [first, last] of [
          [0, 0],
          [0, 200_044],
          [200_044, 200_044],
          [65_535, 65_536],
          [1000, 150_000],
        ] as const)
          expect(await read("ranges.mp4", { first, last })).toEqual(bytes.slice(first, last + 1));
        for (const [first, last] of [
          [0, 200_045],
          [5, 4],
          [-1, 4],
          [0.5, 4],
        ] as const)
          await expect(store.get("ranges.mp4", { range: { first, last } })).rejects.toMatchObject({
            code: "invalid_argument",
          });
      });

      it("are still there for whoever reads them when they are deleted or replaced, and a reader may leave", async () => {
        const bytes = sampleBytes(300_000);
        await store.put("read/on.mp4", bytes);
        const left = await store.get("read/on.mp4");
        await left?.body.cancel();
        const object = await store.get("read/on.mp4");
        await store.put("read/on.mp4", sampleBytes(10));
        expect(new Uint8Array(await new Response(object?.body ?? null).arrayBuffer())).toEqual(bytes);
      });
    });

    describe("one name", () => {
      it("has one winner of ten that want it, and its bytes are the winner's", async () => {
        const all = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            store.putIfAbsent("contested/video.mp4", inChunks(sampleBytes(100_000, index + 1), 9999)),
          ),
        );
        const winners = all.filter((written) => written !== undefined);
        expect(winners).toHaveLength(1);
        expect(sha256((await read("contested/video.mp4")) ?? new Uint8Array())).toBe(winners[0]?.sha256);
        expect(await store.putIfAbsent("contested/video.mp4", sampleBytes(1))).toBeUndefined();
      });

      it("is replaced by one winner of ten that have read what was there", async () => {
        await store.put("counter.json", sampleBytes(10));
        for (let round = 0; round < 20; round++) {
          const etag = (await store.head("counter.json"))?.etag ?? "";
          const bodies = Array.from({ length: 10 }, (_, index) => sampleBytes(1000, 100 * round + index + 1));
          const all = await Promise.all(bodies.map((body) => store.putIf("counter.json", body, etag)));
          const winners = all.filter((written) => written !== undefined);
          expect(winners).toHaveLength(1);
          expect(sha256((await read("counter.json")) ?? new Uint8Array())).toBe(winners[0]?.sha256);
          expect(await store.putIf("counter.json", sampleBytes(1), etag)).toBeUndefined();
        }
      });

      it("is not replaced where what was read is gone, or was none of it", async () => {
        await store.put("once.json", sampleBytes(10));
        const etag = (await store.head("once.json"))?.etag ?? "";
        await expect(
          store.putIf("once.json", sampleBytes(5), etag, { sha256: "0".repeat(64) }),
        ).rejects.toMatchObject({ code: "storage_digest_mismatch" });
        await store.delete("once.json");
        expect(await store.putIf("once.json", sampleBytes(11), etag)).toBeUndefined();
        expect(await store.putIf("never.json", sampleBytes(11), etag)).toBeUndefined();
        expect(await store.head("once.json")).toBeUndefined();
      });

      it("is free again once it was deleted; deleting what isn't there is no error", async () => {
        await store.put("gone/deep/er.webp", sampleBytes(10));
        await store.delete("gone/deep/er.webp");
        await store.delete("gone/deep/er.webp");
        await store.delete("never/was");
        expect(await store.get("gone/deep/er.webp")).toBeUndefined();
        expect(await store.putIfAbsent("gone/deep/er.webp", sampleBytes(3))).toMatchObject({ bytes: 3 });
      });

      it("is written and deleted by many at once without harm", async () => {
        await Promise.all(
          Array.from({ length: 40 }, async (_, index) => {
            await store.put(`busy/${index % 4}/x.bin`, sampleBytes(100, index));
            await store.delete(`busy/${index % 4}/x.bin`);
          }),
        );
        expect((await store.list("busy/")).objects).toEqual([]);
      });

      it.each([
        "",
        "/",
        "/etc/passwd",
        "../secret",
        "a/../../secret",
        "a/./b",
        "a//b",
        "a/",
        ".hidden",
        "a/.hidden",
        "a\0b",
        "a\nb",
        "a\n",
        "a\\b",
        "C:a",
        "a b",
        "%2e%2e/a",
        "vidéo",
        "ａ",
        "\u202Ea",
        "x".repeat(129),
        `${"a/".repeat(256)}b`,
      ])("that is odd is refused by every method: %j", async (key) => {
        const refusal = { code: "invalid_argument", field: "key" };
        const body = sampleBytes(1);
        await expect((async () => store.put(key, body))()).rejects.toMatchObject(refusal);
        await expect((async () => store.putIfAbsent(key, body))()).rejects.toMatchObject(refusal);
        await expect((async () => store.putIf(key, body, '"1"'))()).rejects.toMatchObject(refusal);
        await expect((async () => store.get(key))()).rejects.toMatchObject(refusal);
        await expect((async () => store.head(key))()).rejects.toMatchObject(refusal);
        await expect((async () => store.delete(key))()).rejects.toMatchObject(refusal);
        await expect(store.signedUrl(key, { expiresInSeconds: 60 })).rejects.toMatchObject(refusal);
      });
    });

    describe("lists", () => {
      it("hold every key of a prefix once, in the order of bytes, with sizes", async () => {
        const keys = ["b/1", "b/1.json", "b/10", "b/2", "b/a/z", "b/a-", "b/a.x", "b/A", "b/_", "b-", "bb/1"];
        await Promise.all(keys.map((key) => store.put(`order/${key}`, sampleBytes(key.length))));
        const { objects, cursor } = await store.list("order/b/");
        const expected = keys
          .filter((key) => key.startsWith("b/"))
          .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(objects.map(({ key }) => key)).toEqual(expected.map((key) => `order/${key}`));
        expect(objects.map(({ bytes }) => bytes)).toEqual(expected.map((key) => key.length));
        expect(cursor).toBeUndefined();
        expect((await store.list("order/b")).objects).toHaveLength(keys.length);
        expect((await store.list("order/b/a.")).objects.map(({ key }) => key)).toEqual(["order/b/a.x"]);
        expect((await store.list("order/none/")).objects).toEqual([]);
        await expect(store.list("../")).rejects.toMatchObject({ code: "invalid_argument" });
      });

      it("go on from a cursor, also when the object there is gone", async () => {
        const keys = Array.from({ length: 1203 }, (_, i) => `many/${i % 7}/${String(i).padStart(4, "0")}`);
        for (let at = 0; at < keys.length; at += 50)
          await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, sampleBytes(1))));
        const first = await store.list("many/");
        expect(first.objects).toHaveLength(1000);
        await store.delete(first.objects.at(-1)?.key ?? "");
        const second = await store.list("many/", first.cursor);
        expect(second.cursor).toBeUndefined();
        const seen = [...first.objects, ...second.objects].map(({ key }) => key);
        expect(seen).toEqual([...keys].sort());
      });
    });

    describe("signed URLs", () => {
      const KEY = "signed/a/video.mp4";
      const bytes = sampleBytes(200_045);
      beforeAll(() => store.put(KEY, bytes));

      const get = async (headers: Record<string, string> = {}, method = "GET") => {
        const response = await under.fetch(await store.signedUrl(KEY, { expiresInSeconds: 600 }), {
          headers,
          method,
        });
        return { response, body: new Uint8Array(await response.arrayBuffer()) };
      };

      it("give the object with its type", async () => {
        const { response, body } = await get();
        expect(response.status).toBe(200);
        expect(body).toEqual(bytes);
        expect(response.headers.get("content-type")).toBe("video/mp4");
        expect(response.headers.get("content-length")).toBe("200045");
        expect(response.headers.get("accept-ranges")).toBe("bytes");
        expect(response.headers.get("etag")).toMatch(/^".+"$/);
      });

      it("give ranges: of the middle, of the rest, of the end", async () => {
        for (const [range, first, last] of [
          ["bytes=5-99", 5, 99],
          ["bytes=200000-", 200_000, 200_044],
          ["bytes=-7", 200_038, 200_044],
          ["bytes=200044-999999", 200_044, 200_044],
        ] as const) {
          const { response, body } = await get({ range });
          expect(response.status).toBe(206);
          expect(response.headers.get("content-range")).toBe(`bytes ${first}-${last}/200045`);
          expect(body).toEqual(bytes.slice(first, last + 1));
        }
        expect((await get({ range: "bytes=200045-" })).response.status).toBe(416);
      });

      it("tell a browser what the file is called and what it is, if they were asked to", async () => {
        const url = await store.signedUrl(KEY, {
          expiresInSeconds: 60,
          filename: 'ein „Kreis" & mehr.mp4',
          contentType: "application/octet-stream",
        });
        const response = await under.fetch(url);
        expect(response.status).toBe(200);
        expect(response.headers.get("content-type")).toBe("application/octet-stream");
        expect(response.headers.get("content-disposition")).toMatch(
          /^attachment; filename=".*filename\*=UTF-8''/,
        );
        expect(decodeURIComponent(response.headers.get("content-disposition")?.split("''")[1] ?? "")).toBe(
          'ein „Kreis" & mehr.mp4',
        );
        await response.arrayBuffer();
      });

      it("of what isn't there are 404", async () => {
        const url = await store.signedUrl("signed/none.mp4", { expiresInSeconds: 60 });
        expect((await under.fetch(url)).status).toBe(404);
      });

      it("are 403 when they have expired, and not before", async () => {
        const status = async (expiresInSeconds: number, secondsAgo: number) => {
          const sign = () => store.signedUrl(KEY, { expiresInSeconds });
          const response = await under.fetch(await under.signedAgo(secondsAgo, sign));
          await response.arrayBuffer();
          return response.status;
        };
        for (const lives of [1, 60, 3600, 86_400]) {
          for (const over of [1, 2, 60, 4000]) expect(await status(lives, lives + over)).toBe(403);
          if (lives > 30) expect(await status(lives, lives - 30)).toBe(200);
        }
      });

      it("are 403 when anything of them was changed, 1,000 times and more", async () => {
        const url = await store.signedUrl(KEY, { expiresInSeconds: 600, filename: "a b.mp4" });
        const tampered = [...tamperedWith(url)].filter((one) => !(under.isS3 && saysTheSame(one, url)));
        expect(tampered.length).toBeGreaterThanOrEqual(1000);
        expect(new Set(tampered).size).toBe(tampered.length);
        const answered = new Map<number, string[]>();
        const ask = async () => {
          for (let one = tampered.pop(); one !== undefined; one = tampered.pop()) {
            const response = await under.fetch(one);
            await response.arrayBuffer();
            answered.set(response.status, [...(answered.get(response.status) ?? []), one]);
          }
        };
        await Promise.all(Array.from({ length: 16 }, ask));
        const refused = answered.get(403)?.length ?? 0;
        if (under.isS3) console.log(`${refused} URLs: 403, ${answered.get(400)?.length} malformed ones: 400`);
        expect(refused).toBeGreaterThanOrEqual(1000);
        answered.delete(403);
        if (under.isS3) answered.delete(400);
        expect([...answered].map(([status, [example]]) => `${status} ${example}`)).toEqual([]);
        expect((await under.fetch(url)).status).toBe(200);
      });
    });
  });
}

/** Whether two URLs differ in escapes or in repetitions alone. */
function saysTheSame(one: string, other: string): boolean {
  const said = (text: string) => {
    const { origin, pathname, searchParams } = new URL(text);
    const words = [...searchParams].map(([name, value]) => `${name}=${value}`);
    return JSON.stringify([origin, pathname, [...new Set(words)].sort()]);
  };
  return said(one) === said(other);
}

/** Every character of the path and query replaced by some others, parameters left out, doubled and added. */
function* tamperedWith(signed: string): Generator<string> {
  const url = new URL(signed);
  const tail = `${url.pathname}${url.search}`;
  const seen = new Set([url.href]);
  const fresh = function* (candidate: string) {
    const made = new URL(candidate, url.origin);
    // A part after # is never sent, and dots in a path are resolved before.
    if (made.hash !== "" || made.pathname.length < 2 || seen.has(made.href)) return;
    seen.add(made.href);
    yield made.href;
  };
  // A bucket's name, and the path that the URLs are served under, lead elsewhere and not to another object.
  const start = url.pathname.indexOf("/signed/") + 1;
  for (let at = start; at < tail.length; at++)
    for (const other of ["a", "B", "z", "7", "0", "-", "_", ".", "%00"])
      yield* fresh(tail.slice(0, at) + other + tail.slice(at + 1));
  for (let at = start; at < tail.length; at++) yield* fresh(tail.slice(0, at) + tail.slice(at + 1));
  for (const name of url.searchParams.keys()) {
    const without = new URL(url);
    without.searchParams.delete(name);
    yield* fresh(without.href);
    const doubled = new URL(url);
    doubled.searchParams.append(name, url.searchParams.get(name) ?? "");
    yield* fresh(doubled.href);
  }
}
