/** What every process of a drill opens: the database, the jobs, the store; and what videos it asks for. */

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import {
  type CreateVideo,
  type Database,
  type DatabasePlace,
  type Jobs,
  type LeaseOptions,
  ledger,
  MIGRATIONS,
  makeIds,
  migrate,
  openDatabase,
  openJobs,
  type PriceTerms,
  type Usage,
} from "../../src/jobs/index.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/index.ts";
import { FolderStore, type ObjectStore } from "../../src/storage/index.ts";

/** Where a drill takes place; as JSON it is what its processes are started with. */
export interface Place {
  readonly database: DatabasePlace;
  /** The folder of the store. */
  readonly store: string;
  readonly lease: Partial<LeaseOptions>;
}

export interface World {
  readonly database: Database;
  readonly jobs: Jobs;
  readonly store: ObjectStore;
  close(): Promise<void>;
}

/** A drill's attempts are over soon: so many seconds after they began, noticed within one. */
export const SHORT_LEASE: LeaseOptions = { leaseSeconds: 10, attemptSeconds: 3, monitorSeconds: 1 };

/** Attempts that only end when the drill says so. */
export const LONG_LEASE: LeaseOptions = { leaseSeconds: 30, attemptSeconds: 3_600, monitorSeconds: 1 };

/** One micro for a million FLOPs: so that every FLOP that is wrong shows in the bill. */
export const TERMS: PriceTerms = { currency: "USD", unit: "tflop", microsPerUnit: "1000000" };

/** The bill of a drill; the oracle has its own. */
function bill({ microsPerUnit }: PriceTerms, { flops }: Usage): bigint {
  return (flops * BigInt(microsPerUnit)) / 1_000_000_000_000n;
}

/** Opens it all, through a wrapper where the drill has one. */
export async function openWorld(
  { database: at, store: folder, lease }: Place,
  wrap: { database?: (real: Database) => Database; store?: (real: ObjectStore) => ObjectStore } = {},
): Promise<World> {
  const real = await openDatabase(at);
  await migrate(real, MIGRATIONS);
  const database = wrap.database?.(real) ?? real;
  const stored = await FolderStore.open({ folder, publicUrl: "http://localhost" });
  const jobs = await openJobs({
    database,
    ledger,
    bill,
    ids: makeIds({ cell: "a", now: Date.now, random: Math.random }),
    uuid: randomUUID,
    now: Date.now,
    lease,
    onError: (error) => console.error("pg-boss:", error.message),
  });
  return {
    database: real,
    jobs,
    store: wrap.store?.(stored) ?? stored,
    async close() {
      await jobs.close();
      await real.close();
    },
  };
}

/** Whose lines nobody reads. */
export const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** An account that can pay for everything. */
export const ACCOUNTS = ["acct_chaos_1", "acct_chaos_2", "acct_chaos_3"] as const;

/** Makes the accounts that aren't there. */
export async function openAccounts(database: Database): Promise<void> {
  for (const id of ACCOUNTS)
    await database.query(
      "insert into mixcache.accounts (id, name, unlimited, created_at) values ($1, $1, true, now()) on conflict do nothing",
      [id],
    );
}

const manifest = JSON.parse(readFileSync(path.join(EMBEDDED_BUNDLE, "model.json"), "utf8")) as {
  readonly id: string;
};

/** A video that is quickly made. */
export function wishOf(accountId: string, prompt: string, more: Partial<CreateVideo> = {}): CreateVideo {
  return {
    accountId,
    request: {
      prompt,
      negative_prompt: "",
      model: manifest.id,
      width: 64,
      height: 64,
      num_frames: 16,
      fps: 8,
      seed: "7",
      num_inference_steps: 4,
      guidance_scale: 3,
      output_format: "webp",
      cache: { policy: "off" },
      metadata: {},
    },
    bundleDigest: "0".repeat(64),
    terms: TERMS,
    hold: 1_000_000_000n,
    fingerprint: randomUUID(),
    ...more,
  };
}
