/**
 * An old database over a newer bucket: what was made since is in no row, and yet nobody may delete it before the
 * backup window is over. `npm run test:s3`.
 */

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readServerConfig } from "../../src/config/index.ts";
import { makeIds, openDatabase, openJobs } from "../../src/jobs/index.ts";
import { backup, restore, sweepStore } from "../../src/service/index.ts";
import { S3Store } from "../../src/storage/index.ts";
import { sweepOrphans } from "../../src/worker/index.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { noTools } from "../support/postgres-tools.ts";
import { isQuick, keysIn, noS3, s3Server, s3Suite, type TestBucket, testBucket } from "../support/s3.ts";
import { makeVideo, type S3Service, startS3Service, statement } from "../support/s3-service.ts";

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const BEFORE = 5;
/** Enough that one file in a hundred is one. */
const SINCE = isQuick ? 20 : 30;
const AT_ONCE = 5;
/** Every video is made anew, by one worker. */
const PATIENCE_MS = 600_000;

interface Paid {
  readonly id: string;
  readonly cost: string;
  readonly result: Readonly<Record<string, { readonly key: string; readonly sha256: string }>>;
}

describe.skipIf(noS3 !== undefined)(s3Suite("an old database over a newer bucket"), () => {
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-restore-"));
  let postgres: Postgres;
  let bucket: TestBucket;
  let env: Record<string, string>;
  let key: string | undefined;
  let running: S3Service | undefined;
  let paid: Paid[];

  beforeAll(async () => {
    const { accessKeyId, secretAccessKey } = s3Server();
    vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
    postgres = await startPostgres();
    bucket = await testBucket();
    const { bucket: S3_BUCKET, endpoint: S3_ENDPOINT } = bucket.place;
    const current = await postgres.database();
    env = { DATA_DIR: folder, DATABASE_URL: current, S3_BUCKET, S3_ENDPOINT, S3_PATH_STYLE: "1" };
    key = (await served((service) => make(service, BEFORE))).key;
    const restored = await copyOf(current);
    await served((service) => make(service, SINCE));
    const bought = "select id, cost::text as cost, result from mixcache.videos where status = 'completed'";
    paid = (await statement(current, bought)) as Paid[];
    // What the database was is lost; from here on the backup is all there is.
    env = { ...env, DATABASE_URL: restored };
  }, PATIENCE_MS);
  afterAll(async () => {
    await running?.close();
    bucket?.close();
    await postgres?.stop();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Has the service for as long as the work takes. */
  async function served(work: (service: S3Service) => Promise<void>): Promise<S3Service> {
    const service = await startS3Service(env, key);
    running = service;
    await work(service);
    running = undefined;
    await service.close();
    return service;
  }

  async function make(service: S3Service, count: number): Promise<void> {
    for (let made = 0; made < count; made += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => makeVideo(service, made + at)));
  }

  /** What `mixcache backup` makes of a database, put into another by `mixcache restore`; by its server where the tools are missing. */
  async function copyOf(url: string): Promise<string> {
    const copy = await postgres.database();
    if (noTools(postgres) === undefined) {
      const place = path.join(folder, "backup");
      await backup(readServerConfig(env), place);
      await restore(readServerConfig({ ...env, DATABASE_URL: copy }), place, false);
      return copy;
    }
    const [name, source] = [copy, url].map((one) => new URL(one).pathname.slice(1));
    const administer = new URL(url);
    administer.pathname = "/postgres";
    await statement(administer.href, `drop database ${name}`);
    await statement(administer.href, `create database ${name} template ${source}`);
    return copy;
  }

  const lost = async () => {
    const store = new S3Store(bucket.place);
    const missing: string[] = [];
    for (const { key, sha256 } of paid.flatMap(({ result }) => Object.values(result))) {
      const object = await store.get(key);
      const bytes = object ? Buffer.from(await new Response(object.body).arrayBuffer()) : Buffer.alloc(0);
      if (createHash("sha256").update(bytes).digest("hex") !== sha256) missing.push(key);
    }
    return missing;
  };

  it("loses no paid video: neither the service nor a forced sweep touches what the backup doesn't know", async () => {
    expect(paid).toHaveLength(BEFORE + SINCE);
    expect(paid.every(({ cost }) => BigInt(cost) > 0n)).toBe(true);
    const restored = await served(async (service) => {
      expect((await service.client.videos.list({ limit: 100 })).data).toHaveLength(BEFORE);
      await makeVideo(service, 1000);
    });
    const swept = await sweepStore(restored.config, SILENT, { force: true });
    expect(swept).toMatchObject({ orphans: SINCE * 4, young: SINCE * 4, deleted: 0, left: 0 });
    expect(await lost()).toEqual([]);
  });

  it("deletes one file in a hundred once the window is over, all only by force, and never what a row has", async () => {
    const database = await openDatabase({ url: env.DATABASE_URL ?? "" });
    const jobs = await openJobs({
      database,
      ledger: { open: async () => ({ hold: () => {}, write: async () => {} }), settle: async () => {} },
      bill: () => 0n,
      ids: makeIds({ cell: "a", now: Date.now, random: Math.random }),
      uuid: () => "",
      now: Date.now,
    });
    try {
      const files = async () =>
        (await keysIn(bucket.client, bucket.place.bucket)).filter((key) => key.startsWith("videos/"));
      const before = await files();
      const store = new S3Store(bucket.place);
      const later = { jobs, store, windowDays: 30, nowMs: Date.now() + 31 * 86_400_000 };
      const would: string[] = [];
      const dry = await sweepOrphans({
        ...later,
        dryRun: true,
        force: true,
        onOrphan: (key) => would.push(key),
      });
      expect(dry.deleted).toBe(SINCE * 4);
      expect(await files()).toEqual(before);
      const careful = await sweepOrphans(later);
      expect(careful).toMatchObject({
        deleted: Math.floor(before.length / 100),
        left: SINCE * 4 - Math.floor(before.length / 100),
      });
      expect(before.length - (await files()).length).toBe(careful.deleted);
      await sweepOrphans({ ...later, force: true });
      const kept = await files();
      expect(kept).toEqual(before.filter((key) => !would.includes(key)));
      expect(kept).toHaveLength((BEFORE + 1) * 4);
    } finally {
      await jobs.close();
      await database.close();
    }
  });
});
