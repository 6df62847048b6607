/** S3 keeps to the contract, and to what only a server can get wrong. It runs under `npm run test:s3`. */

import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { S3Store } from "../../src/storage/index.ts";
import { describeObjectStore, sampleBytes } from "../contract/object-store.ts";
import { startGateway } from "../support/rgw.ts";
import { isQuick, keysIn, noS3, s3Server, s3Suite, type TestBucket, testBucket } from "../support/s3.ts";

const MIB = 2 ** 20;

describe.skipIf(noS3 !== undefined)(s3Suite("S3"), () => {
  describeObjectStore(
    "a bucket",
    async () => {
      const bucket = await testBucket();
      let skippedMs = 0;
      const store = new S3Store({ ...bucket.place, now: () => Date.now() + skippedMs });
      return {
        store,
        fetch,
        isS3: true,
        signedAgo: async (seconds, sign) => {
          skippedMs = -seconds * 1000;
          const url = await sign();
          skippedMs = 0;
          return url;
        },
        close: async () => bucket.close(),
      };
    },
    (isQuick ? 24 : 64) * MIB,
  );

  describe("a prefix in a bucket that others use too", () => {
    let bucket: TestBucket;
    beforeAll(async () => {
      bucket = await testBucket();
    });
    afterAll(() => bucket.close());

    it("holds its own objects alone, under names that begin with it", async () => {
      const [ours, theirs] = ["ours/", "theirs/"].map((prefix) => new S3Store({ ...bucket.place, prefix }));
      await theirs?.put("a/b.mp4", sampleBytes(9));
      await ours?.put("a/b.mp4", sampleBytes(7));
      await ours?.put("a/c.mp4", sampleBytes(8));
      expect((await ours?.list(""))?.objects.map(({ key, bytes }) => [key, bytes])).toEqual([
        ["a/b.mp4", 7],
        ["a/c.mp4", 8],
      ]);
      await ours?.delete("a/b.mp4");
      expect((await theirs?.head("a/b.mp4"))?.bytes).toBe(9);
      expect(await keysIn(bucket.client, bucket.place.bucket)).toEqual(["ours/a/c.mp4", "theirs/a/b.mp4"]);
    });
  });

  describe("an upload", () => {
    let bucket: TestBucket;
    let store: S3Store;
    beforeAll(async () => {
      bucket = await testBucket();
      store = new S3Store(bucket.place);
    });
    afterAll(() => bucket.close());

    const unfinished = async () => {
      const command = new ListMultipartUploadsCommand({ Bucket: bucket.place.bucket });
      return ((await bucket.client.send(command)).Uploads ?? []).map(({ Key }) => Key);
    };

    it("whose process is killed in the middle leaves nothing that anybody sees", async () => {
      const script = path.join(import.meta.dirname, "../support/slow-put-s3.ts");
      const child = fork(script, [JSON.stringify(bucket.place), "killed/video.mp4", String(20 * MIB)]);
      await once(child, "message");
      // Parts are there, so that this is about more than nothing.
      while (!(await unfinished()).includes("killed/video.mp4")) await new Promise(setImmediate);
      child.kill("SIGKILL");
      await once(child, "exit");
      expect(await store.head("killed/video.mp4")).toBeUndefined();
      expect((await store.list("killed/")).objects).toEqual([]);
      const other = sampleBytes(100);
      expect(await store.putIfAbsent("killed/video.mp4", other)).toMatchObject({ bytes: 100 });
    });

    it("whose server is killed in the middle fails, and leaves nothing that anybody sees", async () => {
      const key = "orphaned/video.mp4";
      const gateway = await startGateway(s3Server().configFile);
      async function* outliving() {
        yield sampleBytes(20 * MIB);
        while (!(await unfinished()).includes(key)) await new Promise(setImmediate);
        await gateway.kill();
        yield sampleBytes(20 * MIB);
      }
      const through = new S3Store({ ...bucket.place, endpoint: gateway.endpoint });
      await expect(through.put(key, outliving())).rejects.toMatchObject({ code: "storage_failed" });
      expect(await store.head(key)).toBeUndefined();
      expect((await store.list("orphaned/")).objects).toEqual([]);
      expect(await store.putIfAbsent(key, sampleBytes(100))).toMatchObject({ bytes: 100 });
    });

    it("whose body fails in the middle is given up: no parts are left to pay for", async () => {
      async function* failing() {
        yield sampleBytes(20 * MIB);
        throw new RangeError("The encoder died.");
      }
      await expect(store.put("failed/video.mp4", failing())).rejects.toThrow(RangeError);
      expect(await unfinished()).not.toContain("failed/video.mp4");
    });

    it("in parts that are not what was promised never becomes an object", async () => {
      const promised = store.put("parts.mp4", sampleBytes(20 * MIB), { sha256: "0".repeat(64) });
      await expect(promised).rejects.toMatchObject({ code: "storage_digest_mismatch" });
      expect(await store.head("parts.mp4")).toBeUndefined();
      expect(await unfinished()).not.toContain("parts.mp4");
    });
  });

  describe("what is wrong is said in a sentence", () => {
    let bucket: TestBucket;
    beforeAll(async () => {
      bucket = await testBucket();
    });
    afterAll(() => bucket.close());

    it("a bucket that isn't there, a secret that is wrong, a server that doesn't answer", async () => {
      const { place } = bucket;
      const stranger = { accessKeyId: "mixcachetest", secretAccessKey: "wrong" };
      const cases: readonly [Partial<typeof place>, RegExp][] = [
        [{ bucket: "mixcache-none" }, /there is no bucket mixcache-none/],
        [{ credentials: stranger }, /S3 refused these credentials/],
        [{ endpoint: "http://127.0.0.1:9" }, /ECONNREFUSED.*Check S3_ENDPOINT/],
      ];
      for (const [change, sentence] of cases) {
        const store = new S3Store({ ...place, ...change });
        for (const work of [
          () => store.put("a.mp4", sampleBytes(1)),
          () => store.get("a.mp4"),
          () => store.list(""),
        ]) {
          const error = await work().then(
            () => undefined,
            (reason) => reason,
          );
          expect(error).toMatchObject({ code: "storage_failed" });
          expect(error.message).toMatch(sentence);
        }
      }
    });
  });
});
