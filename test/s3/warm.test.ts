/** Bundles and profiles in a real bucket. It runs under `npm run test:s3`. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { profileKey } from "../../src/engine/cache/profile.ts";
import { resolveSettings } from "../../src/engine/settings.ts";
import {
  EMBEDDED_BUNDLE,
  FetchedProfiles,
  type Observations,
  ObservedProfiles,
  observedObject,
  profileFinder,
  profileObject,
  profileText,
  pullBundle,
  pushBundle,
  readObservations,
} from "../../src/node/index.ts";
import { readableLog } from "../../src/node/warm/testing.ts";
import { S3Store } from "../../src/storage/index.ts";
import { breaking, systemTiming } from "../support/bundle-stores.ts";
import { handmadeProfile, shapesManifest } from "../support/policies.ts";
import { noS3, s3Suite, type TestBucket, testBucket } from "../support/s3.ts";

describe.skipIf(noS3 !== undefined)(s3Suite("a bucket for those that start cold"), () => {
  const key = profileKey(
    "ab".repeat(32),
    resolveSettings(shapesManifest, { prompt: "any", num_inference_steps: 8 }),
  );
  let bucket: TestBucket;
  let folder: string;
  beforeAll(async () => {
    bucket = await testBucket();
    folder = await mkdtemp(path.join(tmpdir(), "mixcache-s3-warm-"));
  });
  afterAll(async () => {
    bucket?.close();
    await rm(folder, { recursive: true, force: true });
  });
  const store = (prefix: string) => new S3Store({ ...bucket.place, prefix });

  it("takes a bundle once, and gives it whole through a connection that breaks", async () => {
    const objects = { store: store("models/"), url: `s3://${bucket.place.bucket}/models` };
    const { digest, sent } = await pushBundle(EMBEDDED_BUNDLE, objects);
    expect((await pushBundle(EMBEDDED_BUNDLE, objects)).sent).toEqual({ files: 0, bytes: 0 });
    const broken = { ...objects, store: breaking(objects.store, 300_000) };
    const pulled = await pullBundle({ objects: broken, digest, cache: folder, timing: systemTiming });
    expect(pulled).toMatchObject({ fetchedBytes: sent.bytes, totalBytes: sent.bytes });
    const again = await pullBundle({ objects, digest, cache: folder, timing: systemTiming, verify: true });
    expect(again.fetchedBytes).toBe(0);
  });

  it("loses nothing of ten workers that write at once", async () => {
    const { log, lines } = readableLog();
    const seen = (step: number): Observations => ({
      format: "mixcache.observed/1",
      key,
      runs: 1,
      deviations: { 1: { [step]: { "-8": 1 } } },
    });
    const clock = { ...systemTiming, nowMs: () => 0 };
    await Promise.all(
      Array.from({ length: 10 }, async (_, worker) => {
        const writer = new ObservedProfiles({ store: store(""), timing: clock, random: Math.random, log });
        for (let video = 0; video < 4; video++) {
          writer.add(seen(2 + ((worker + video) % 6)));
          await writer.flush();
        }
      }),
    );
    const object = await store("").get(observedObject(key));
    const sum = readObservations(await new Response(object?.body ?? null).text(), "it");
    const counts = Object.values(sum.deviations["1"] ?? {}).flatMap((levels) => Object.values(levels));
    expect([sum.runs, counts.reduce((a, b) => a + b, 0)]).toEqual([40, 40]);
    expect(lines).toEqual([]);
  });

  it("gives a cold container its profile; one that can't be reached costs one line", async () => {
    const profile = { ...handmadeProfile(8), key };
    await store("").put(profileObject(key), new TextEncoder().encode(profileText(profile)));
    const { log, lines } = readableLog();
    const options = { folder: path.join(folder, "profiles"), sharpen: false, timing: systemTiming, log };
    await new FetchedProfiles({ ...options, store: store("") }).fetch(key);
    const find = profileFinder({ fetchedProfiles: options.folder });
    const { digest, notices } = await find(key);
    expect([digest?.length, notices]).toEqual([64, []]);
    const nowhere = new S3Store({ ...bucket.place, endpoint: "http://127.0.0.1:1" });
    const profiles = new FetchedProfiles({ ...options, store: nowhere });
    for (let video = 0; video < 3; video++) await profiles.fetch(key);
    expect(lines).toHaveLength(1);
    expect((await find(key)).digest).toBe(digest);
  });
});
