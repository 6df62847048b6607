/** The rules that `mixcache bucket setup` gives a bucket, on a real S3 server. `npm run test:s3`. */

import {
  GetBucketCorsCommand,
  GetBucketLifecycleConfigurationCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { S3Store, setUpBucket } from "../../src/storage/index.ts";
import { noS3, s3Suite, type TestBucket, testBucket } from "../support/s3.ts";

const PAGE = "https://app.example.com";

describe.skipIf(noS3 !== undefined)(s3Suite("a bucket's rules"), () => {
  let bucket: TestBucket;
  let Bucket: string;
  beforeAll(async () => {
    bucket = await testBucket();
    Bucket = bucket.place.bucket;
  });
  afterAll(() => bucket.close());

  const cors = async () => (await bucket.client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules ?? [];
  const lifecycle = async () =>
    (await bucket.client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules ?? [];

  it("are set once, changed where the wish changes, and beside those that others made", async () => {
    const theirs = { AllowedMethods: ["HEAD"], AllowedOrigins: ["https://other.example.com"], ID: "theirs" };
    const CORSConfiguration = { CORSRules: [theirs] };
    await bucket.client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration }));
    const LifecycleConfiguration = {
      Rules: [
        { ID: "theirs", Status: "Enabled" as const, Filter: { Prefix: "logs/" }, Expiration: { Days: 9 } },
      ],
    };
    await bucket.client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }));
    const wish = { origins: [PAGE] };
    expect(await setUpBucket(bucket.place, { ...wish, dryRun: true })).toEqual({
      cors: true,
      lifecycle: true,
    });
    expect((await cors()).map(({ ID }) => ID)).toEqual(["theirs"]);
    expect(await setUpBucket(bucket.place, wish)).toEqual({ cors: true, lifecycle: true });
    expect(await setUpBucket(bucket.place, wish)).toEqual({ cors: false, lifecycle: false });
    expect(await setUpBucket(bucket.place, { origins: ["*"] })).toEqual({ cors: true, lifecycle: false });
    expect(await setUpBucket(bucket.place, wish)).toEqual({ cors: true, lifecycle: false });
    expect((await cors()).map(({ ID }) => ID).toSorted()).toEqual(["mixcache-read", "theirs"]);
    expect((await lifecycle()).map(({ ID }) => ID).toSorted()).toEqual([
      "mixcache-tmp",
      "mixcache-uploads",
      "theirs",
    ]);
  });

  it("let that page read a video, and no other", async () => {
    const store = new S3Store(bucket.place);
    await store.put("videos/a/1/video.mp4", new Uint8Array(100));
    const url = await store.signedUrl("videos/a/1/video.mp4", { expiresInSeconds: 60 });
    const read = async (origin: string) => {
      const response = await fetch(url, { headers: { origin, range: "bytes=0-9" } });
      await response.arrayBuffer();
      return response.headers.get("access-control-allow-origin");
    };
    expect(await read(PAGE)).toBe(PAGE);
    expect(await read("https://evil.example.com")).toBeNull();
  });
});
