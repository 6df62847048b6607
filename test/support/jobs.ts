/** The jobs on a database of its own, with a clock that tests move and workers that lose their lease on demand. */

import { randomUUID } from "node:crypto";
import {
  type CreateVideo,
  type Database,
  type Jobs,
  type LeaseOptions,
  MIGRATIONS,
  makeIds,
  migrate,
  openJobs,
  type StoredResult,
  type Taken,
  type Usage,
  type VideoRow,
} from "../../src/jobs/index.ts";
import { credit, ledger } from "../../src/jobs/ledger.ts";

/** The jobs, and what tests do behind their back. */
export interface TestJobs {
  readonly jobs: Jobs;
  readonly database: Database;
  /** The jobs' clock, in milliseconds; the database has its own. */
  readonly clock: { now: number };
  /** A new account with credit. @returns its id */
  account(options?: TestAccount): Promise<string>;
  /** A request for a video of a model that costs one micro for a TFLOP and at most `hold`. */
  wish(accountId: string, more?: Partial<CreateVideo>): CreateVideo;
  /** Creates one. */
  create(accountId: string, more?: Partial<CreateVideo>): Promise<VideoRow>;
  /** Takes one, or fails. */
  take(): Promise<Taken>;
  /** As if the attempt's worker had been silent for longer than its lease. */
  expire(taken: Taken): Promise<void>;
  /** The account's line as it is kept, and as it is counted. */
  line(accountId: string): Promise<{ kept: Line; counted: Line }>;
  close(): Promise<void>;
}

export interface TestAccount {
  readonly credit?: bigint;
  readonly unlimited?: boolean;
  readonly maxQueued?: number;
  readonly maxRunning?: number;
}

interface Line {
  readonly queued: number;
  readonly running: number;
}

const START = Date.UTC(2026, 0, 1);

/** Migrates the database and opens the jobs on it. */
export async function openTestJobs(database: Database, lease: Partial<LeaseOptions> = {}): Promise<TestJobs> {
  const clock = { now: START };
  await migrate(database, MIGRATIONS);
  const ids = makeIds({ cell: "a", now: () => clock.now, random: Math.random });
  const jobs = await openJobs({
    database,
    ledger,
    bill: (terms, { flops }) => (flops * BigInt(terms.microsPerUnit)) / 1_000_000_000_000n,
    ids,
    uuid: randomUUID,
    now: () => clock.now,
    lease: { monitorSeconds: 1, ...lease },
    onError: (error) => {
      throw error;
    },
  });
  const wish = (accountId: string, more: Partial<CreateVideo> = {}) => ({ ...WISH, accountId, ...more });
  return {
    jobs,
    database,
    clock,
    account: (options) => makeAccount(database, ids.account(), options),
    wish,
    create: async (accountId, more) => (await jobs.create(wish(accountId, more))).video,
    take: async () => {
      const taken = await jobs.take();
      if (!taken) throw new Error("There is nothing to take.");
      return taken;
    },
    expire: (taken) => expire(database, taken),
    line: (accountId) => lineOf(database, accountId),
    close: async () => {
      await jobs.close();
      await database.close();
    },
  };
}

async function makeAccount(database: Database, id: string, given: TestAccount = {}): Promise<string> {
  const { unlimited = false, maxQueued = null, maxRunning = null } = given;
  const at = new Date(START);
  await database.query(
    "insert into mixcache.accounts (id, name, unlimited, max_queued, max_running, created_at) values ($1, $1, $2, $3, $4, $5)",
    [id, unlimited, maxQueued, maxRunning, at],
  );
  const amount = given.credit ?? 1_000_000n;
  if (amount > 0n)
    await database.transaction((tx) => credit(tx, { accountId: id, amount, reference: "first", at }));
  return id;
}

async function expire(database: Database, { jobId }: Taken): Promise<void> {
  await database.query(
    "update pgboss.job set started_on = started_on - interval '2 days', heartbeat_on = heartbeat_on - interval '2 days' where id = $1::uuid",
    [jobId],
  );
  await database.query("update pgboss.queue set monitor_claim_on = null, monitor_on = null");
}

async function lineOf(database: Database, accountId: string): Promise<{ kept: Line; counted: Line }> {
  const [kept] = await database.query<Line>(
    "select queued, running from mixcache.lines where account_id = $1",
    [accountId],
  );
  const [counted] = await database.query<Line>(
    "select (count(*) filter (where status = 'queued'))::integer as queued, (count(*) filter (where status = 'in_progress'))::integer as running from mixcache.videos where account_id = $1",
    [accountId],
  );
  return { kept: kept ?? NOBODY, counted: counted ?? NOBODY };
}

const NOBODY: Line = { queued: 0, running: 0 };

const WISH: Omit<CreateVideo, "accountId"> = {
  request: {
    prompt: "a red circle moves left",
    negative_prompt: "",
    model: "shapes",
    width: 64,
    height: 64,
    num_frames: 16,
    fps: 8,
    seed: "18446744073709551615",
    num_inference_steps: 20,
    guidance_scale: 3,
    output_format: "mp4",
    cache: { policy: "off" },
    metadata: {},
  },
  bundleDigest: "b".repeat(64),
  terms: { currency: "USD", unit: "tflop", microsPerUnit: "1" },
  hold: 100n,
  fingerprint: "f".repeat(64),
};

/** So many TFLOPs. */
export function usageOf(tflops: number): Usage {
  return { flops: BigInt(tflops) * 1_000_000_000_000n, engineMs: 1_000n, videoMs: 2_000n };
}

/** What an attempt might have stored. */
export function resultOf({ video, attempt }: Taken): StoredResult {
  const key = `videos/${video.id}/${attempt}/video.mp4`;
  return { video: { key, bytes: 3, sha256: "a".repeat(64), contentType: "video/mp4" } };
}
