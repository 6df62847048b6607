/**
 * pg-boss as this service uses it: one queue, whose jobs only carry a video's id. It alone decides what runs, who
 * holds the lease, which attempt it is and whether there is another. Everything that changes a job together with our
 * tables runs in the transaction it belongs to.
 */

import { PgBoss } from "pg-boss";
import bossPackage from "pg-boss/package.json" with { type: "json" };
import { adapt } from "./boss-sql.ts";
import type { Database, Sql } from "./database-contract.ts";
import { tooOld } from "./migrate.ts";
import { JOBS_OF_ACCOUNT } from "./sql/erase.ts";
import { BOSS_TABLE, BOSS_VERSION } from "./sql/migrations.ts";
import { ACTIVE_JOBS, ANY_WAITING, LOCK_JOB } from "./sql/queue.ts";
import { WebhookQueue } from "./webhook-queue.ts";

/** The queue's name in pg-boss. */
export const QUEUE = "video";

/** Attempts a video gets. */
export const ATTEMPTS = 3;

const YEAR_SECONDS = 365 * 86_400;
const HOUR_SECONDS = 3_600;
/** pg-boss's priorities are 32-bit; counting down from the top leaves 4.29 billion turns of one account. */
const FIRST_PRIORITY = 2_147_483_647;
const NO_JOB = "00000000-0000-0000-0000-000000000000";

/** How long an attempt may be silent, and how long it may take. */
export interface LeaseOptions {
  /** An attempt whose worker is silent for this long is over; pg-boss takes 10 or more. */
  readonly leaseSeconds: number;
  /** The longest that an attempt may take, at most a day. */
  readonly attemptSeconds: number;
  /** How often pg-boss looks for attempts that are over, at most. */
  readonly monitorSeconds: number;
}

/** One attempt as pg-boss knows it. */
export interface JobAttempt {
  readonly jobId: string;
  readonly retryCount: number;
}

/** A job under its lock. */
export interface LockedJob {
  readonly state: "created" | "retry" | "active" | "completed" | "cancelled" | "failed";
  readonly retryCount: number;
  readonly retryLimit: number;
  readonly priority: number;
}

interface RawJob {
  readonly state: LockedJob["state"];
  readonly retry_count: number;
  readonly retry_limit: number;
  readonly priority: number;
}

/** The queue of videos. */
export class Queue {
  readonly #boss: PgBoss;
  /** What is on its way to receivers: another queue of the same pg-boss. */
  readonly webhooks: WebhookQueue;

  private constructor(boss: PgBoss, webhooks: WebhookQueue) {
    this.#boss = boss;
    this.webhooks = webhooks;
  }

  /**
   * Starts on pg-boss's schema, makes the queue where it is missing, and knows it by heart afterwards: looking it up
   * inside a transaction would wait for ever on PGlite.
   * @param schema whether pg-boss's schema is made and brought up to date, or has to be there
   * @throws MixcacheError `database_older` where it has to be there and isn't
   */
  static async start(
    database: Database,
    lease: LeaseOptions,
    onError: (error: Error) => void,
    schema: "make" | "check",
  ): Promise<Queue> {
    if (schema === "check") await checkBoss(database);
    const boss = new PgBoss({
      db: adapt(database),
      backend: database.kind,
      // The sweep supervises, so that there is one clock that mends things; schedules are not used.
      supervise: false,
      schedule: false,
      registerInstance: false,
      reindex: database.kind === "postgres",
      monitorVacuum: database.kind === "postgres",
      monitorIntervalSeconds: lease.monitorSeconds,
      maintenanceIntervalSeconds: HOUR_SECONDS,
      queueCacheIntervalSeconds: HOUR_SECONDS,
      openTelemetry: { enabled: false },
    });
    boss.on("error", onError);
    await boss.start();
    const options = {
      retryLimit: ATTEMPTS - 1,
      retryDelay: 0,
      heartbeatSeconds: lease.leaseSeconds,
      expireInSeconds: lease.attemptSeconds,
      // A job is deleted when it has waited this long; videos wait until somebody cancels them.
      retentionSeconds: 10 * YEAR_SECONDS,
      deleteAfterSeconds: HOUR_SECONDS,
    };
    await boss.createQueue(QUEUE, options);
    await boss.updateQueue(QUEUE, options);
    await boss.findJobs(QUEUE, { id: NO_JOB });
    return new Queue(boss, await WebhookQueue.open(boss));
  }

  /** Jobs for videos, each in its turn. */
  async send(tx: Sql, jobs: readonly NewJob[]): Promise<void> {
    await this.#boss.insert(
      QUEUE,
      jobs.map(({ id, videoId, accountId, priority, retryLimit }) => ({
        id,
        data: { video_id: videoId },
        priority,
        group: { id: accountId },
        ...(retryLimit !== undefined && { retryLimit }),
      })),
      { db: adapt(tx) },
    );
  }

  /** Whether a job waits at all, without a lock: what idle workers ask again and again. */
  async hasWaiting(database: Database): Promise<boolean> {
    return (await database.query(ANY_WAITING, [QUEUE])).length > 0;
  }

  /** The job whose turn it is, claimed; none of the accounts left out. */
  async fetch(
    tx: Sql,
    withoutAccounts: readonly string[],
  ): Promise<(JobAttempt & { videoId: string }) | undefined> {
    const [job] = await this.#boss.fetch<{ video_id: string }>(QUEUE, {
      db: adapt(tx),
      ignoreGroups: [...withoutAccounts],
    });
    return job && { jobId: job.id, retryCount: job.retryCount, videoId: job.data.video_id };
  }

  /** Locks the job for the length of the transaction. */
  async lock(tx: Sql, jobId: string): Promise<LockedJob | undefined> {
    const find = async () => (await tx.query<RawJob>(LOCK_JOB, [QUEUE, jobId]))[0];
    // pg-boss fails a job by replacing its row: whoever waited for the old row finds none, and has to look again.
    const row = (await find()) ?? (await find());
    return (
      row && {
        state: row.state,
        retryCount: row.retry_count,
        retryLimit: row.retry_limit,
        priority: row.priority,
      }
    );
  }

  /** Renews the lease. @returns false when the attempt is over */
  async touch({ jobId, retryCount }: JobAttempt): Promise<boolean> {
    const { affected } = (await this.#boss.touch(QUEUE, { id: jobId, retryCount })) as { affected: number };
    return affected === 1;
  }

  /** Ends a locked, active job for good. */
  async complete(tx: Sql, { jobId, retryCount }: JobAttempt): Promise<void> {
    await this.#boss.complete(QUEUE, { id: jobId, retryCount }, undefined, { db: adapt(tx) });
  }

  /** Ends a locked attempt; pg-boss queues the next one if there is one. */
  async fail(tx: Sql, { jobId, retryCount }: JobAttempt, reason: object): Promise<void> {
    await this.#boss.fail(QUEUE, { id: jobId, retryCount }, reason, { db: adapt(tx) });
  }

  /** Ends every attempt, whose ever it is; each of them in a transaction of its own. */
  async failActive(database: Database, reason: object): Promise<void> {
    for (const { id } of await database.query<{ id: string }>(ACTIVE_JOBS, [QUEUE])) {
      await database.transaction(async (tx) => {
        const job = await this.lock(tx, id);
        if (job?.state === "active") await this.fail(tx, { jobId: id, retryCount: job.retryCount }, reason);
      });
    }
  }

  /** Ends a locked job that is not active. */
  async cancel(tx: Sql, jobId: string): Promise<void> {
    await this.#boss.cancel(QUEUE, jobId, { db: adapt(tx) });
  }

  /** Removes a locked job whatever its state. */
  async remove(tx: Sql, jobId: string): Promise<void> {
    await this.#boss.deleteJob(QUEUE, jobId, { db: adapt(tx) });
  }

  /** Removes every job of an account, whatever its state. */
  async removeOf(tx: Sql, accountId: string): Promise<void> {
    await this.webhooks.removeOf(tx, accountId);
    const rows = await tx.query<{ id: string }>(JOBS_OF_ACCOUNT, [QUEUE, accountId]);
    if (rows.length === 0) return;
    await this.#boss.deleteJob(
      QUEUE,
      rows.map(({ id }) => id),
      { db: adapt(tx) },
    );
  }

  /** Ends attempts whose lease is over, and deletes old jobs. */
  async supervise(): Promise<void> {
    await this.#boss.supervise(QUEUE);
    await this.webhooks.supervise();
  }

  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false });
  }
}

/**
 * Newer ones are not refused, as pg-boss's own check would: a step of ours says so where one excludes this program.
 * @throws MixcacheError `database_older`
 */
async function checkBoss(database: Database): Promise<void> {
  const [table] = await database.query<{ name: string | null }>(BOSS_TABLE);
  if (table?.name == null) throw tooOld("its queue is missing");
  const [found] = await database.query<{ version: number }>(BOSS_VERSION);
  if (!found || found.version < bossPackage.pgboss.schema) throw tooOld("its queue is of an older version");
}

/** What a job is made of. */
export interface NewJob {
  readonly id: string;
  readonly videoId: string;
  readonly accountId: string;
  readonly priority: number;
  /** How often it may be tried again, where that is not the queue's own number. */
  readonly retryLimit?: number;
}

/** The priority of a turn: smaller turns first. */
export function priorityOf(turn: number): number {
  return FIRST_PRIORITY - turn;
}
