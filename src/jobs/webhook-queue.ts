/**
 * The queue of what is to be sent to receivers. pg-boss alone decides when a delivery is due, who sends it and how
 * many of one receiver are sent at once; a failure sends the next job, in the transaction that records the attempt.
 */

import type { PgBoss } from "pg-boss";
import { adapt } from "./boss-sql.ts";
import type { Sql } from "./database-contract.ts";
import { DELIVERY_JOBS_OF_ACCOUNT } from "./sql/erase.ts";

/** The queue's name in pg-boss. */
export const WEBHOOK_QUEUE = "webhook";

/** Deliveries of one receiver that are sent at once, over all processes. */
export const MOST_OF_LANE = 4;
/** The same where the receiver's last answer was a failure: it gets a chance, not the senders. */
const MOST_OF_FAILING = 1;

/** Longer than any request may take; a process that vanished is noticed after it. */
const SEND_SECONDS = 60;
/** Of senders that vanished, not of receivers that failed. */
const TIMES_LOST = 1_000;
const YEAR_SECONDS = 365 * 86_400;
const HOUR_SECONDS = 3_600;
const NO_JOB = "00000000-0000-0000-0000-000000000000";

/** What a job is made of. */
export interface NewDeliveryJob {
  readonly id: string;
  readonly deliveryId: string;
  /** The receiver: deliveries of one lane wait for each other only. */
  readonly lane: string;
  /** Whether its last answer was a failure. */
  readonly failing: boolean;
  /** From now, by the database's clock; 0: at once. */
  readonly delaySeconds: number;
}

/** One sending as pg-boss knows it. */
export interface DeliveryJob {
  readonly jobId: string;
  readonly retryCount: number;
  readonly deliveryId: string;
  readonly lane: string;
}

interface Data {
  readonly delivery_id: string;
  readonly lane: string;
}

/** Deliveries that wait for their time. */
export class WebhookQueue {
  readonly #boss: PgBoss;

  private constructor(boss: PgBoss) {
    this.#boss = boss;
  }

  /** Makes the queue where it is missing, and knows it by heart as `Queue.start` does. */
  static async open(boss: PgBoss): Promise<WebhookQueue> {
    const options = {
      retryLimit: TIMES_LOST,
      retryDelay: 0,
      expireInSeconds: SEND_SECONDS,
      retentionSeconds: 10 * YEAR_SECONDS,
      deleteAfterSeconds: HOUR_SECONDS,
    };
    await boss.createQueue(WEBHOOK_QUEUE, options);
    await boss.updateQueue(WEBHOOK_QUEUE, options);
    await boss.findJobs(WEBHOOK_QUEUE, { id: NO_JOB });
    return new WebhookQueue(boss);
  }

  async send(tx: Sql, jobs: readonly NewDeliveryJob[]): Promise<void> {
    const all = jobs.map(({ id, deliveryId, lane, failing, delaySeconds }) => ({
      id,
      data: { delivery_id: deliveryId, lane } satisfies Data,
      startAfter: delaySeconds,
      group: { id: lane, ...(failing && { tier: "failing" }) },
    }));
    if (all.length > 0) await this.#boss.insert(WEBHOOK_QUEUE, all, { db: adapt(tx) });
  }

  /** Claims what is due, oldest first, of no lane more than it may have, none of the lanes left out. */
  async fetch(most: number, withoutLanes: readonly string[]): Promise<DeliveryJob[]> {
    const jobs = await this.#boss.fetch<Data>(WEBHOOK_QUEUE, {
      batchSize: most,
      groupConcurrency: { default: MOST_OF_LANE, tiers: { failing: MOST_OF_FAILING } },
      ignoreGroups: [...withoutLanes],
    });
    return jobs.map(({ id, retryCount, data }) => ({
      jobId: id,
      retryCount,
      deliveryId: data.delivery_id,
      lane: data.lane,
    }));
  }

  /** Ends a claimed job. @returns false where it was no longer claimed by this sending */
  async complete(tx: Sql, { jobId, retryCount }: DeliveryJob): Promise<boolean> {
    const answer = await this.#boss.complete(WEBHOOK_QUEUE, { id: jobId, retryCount }, undefined, {
      db: adapt(tx),
    });
    return (answer as { affected: number }).affected === 1;
  }

  /** Gives a claimed job back: it is due at once, for whoever claims next. */
  async release({ jobId, retryCount }: DeliveryJob): Promise<void> {
    await this.#boss.fail(WEBHOOK_QUEUE, { id: jobId, retryCount }, { reason: "released" });
  }

  /** Ends a job whatever its state. */
  async cancel(tx: Sql, jobId: string): Promise<void> {
    await this.#boss.cancel(WEBHOOK_QUEUE, jobId, { db: adapt(tx) });
  }

  /** Deletes the jobs of an account's deliveries, whatever their state. */
  async removeOf(tx: Sql, accountId: string): Promise<void> {
    const rows = await tx.query<{ id: string }>(DELIVERY_JOBS_OF_ACCOUNT, [WEBHOOK_QUEUE, accountId]);
    if (rows.length === 0) return;
    await this.#boss.deleteJob(
      WEBHOOK_QUEUE,
      rows.map(({ id }) => id),
      { db: adapt(tx) },
    );
  }

  /** Frees what vanished senders had claimed, and deletes old jobs. */
  async supervise(): Promise<void> {
    await this.#boss.supervise(WEBHOOK_QUEUE);
  }
}
