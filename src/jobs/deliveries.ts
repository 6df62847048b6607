/**
 * Events on their way: made from the outbox, claimed by senders, ended or sent again. Whatever belongs together is in
 * one transaction: the events with all their deliveries and jobs; an attempt with the next job.
 */

import { MixcacheError } from "../errors.ts";
import { type Core, timeOf } from "./core.ts";
import type { Sql } from "./database-contract.ts";
import { type DeliveryRow, deliveryOf } from "./delivery-rows.ts";
import * as sql from "./sql/webhooks.ts";
import type {
  ClaimedDelivery,
  Claims,
  Delivery,
  DeliveryAttempt,
  DeliveryPageWish,
  DeliveryState,
  Verdict,
} from "./webhook-contract.ts";
import type { WebhookEvent } from "./webhook-events.ts";
import type { DeliveryJob } from "./webhook-queue.ts";

/** Events that one transaction fans out. */
const EVENTS_AT_ONCE = 100;

interface TargetRow {
  readonly event_id: string;
  readonly account_id: string;
  readonly endpoint_id: string;
  readonly url: string | null;
  readonly failing: boolean;
}

/** See `WebhookJobs.fanOut`. */
export async function fanOut(core: Core): Promise<number> {
  const { database, ids, queue, uuid } = core;
  return database.transaction(async (tx) => {
    const events = (await tx.query<{ id: string }>(sql.LOCK_UNSENT, [EVENTS_AT_ONCE])).map(({ id }) => id);
    if (events.length === 0) return 0;
    const at = timeOf(core);
    const made = (await tx.query<TargetRow>(sql.TARGETS, [events])).map((target) => ({
      ...target,
      id: ids.delivery(),
      job_id: uuid(),
      lane: laneOf(target),
    }));
    if (made.length > 0) await tx.query(sql.INSERT_DELIVERIES, [JSON.stringify(made), at]);
    await queue.webhooks.send(
      tx,
      made.map(({ id, job_id, lane, failing }) => ({
        id: job_id,
        deliveryId: id,
        lane,
        failing,
        delaySeconds: 0,
      })),
    );
    await tx.query(sql.MARK_SENT, [events, at]);
    return events.length;
  });
}

/** URLs of requests share an endpoint, but one dead host among them must not hold up the others. */
function laneOf({ endpoint_id, url }: TargetRow): string {
  return url !== null && URL.canParse(url) ? `${endpoint_id} ${new URL(url).host}` : endpoint_id;
}

interface ClaimedRow {
  readonly id: string;
  readonly event_id: string;
  readonly endpoint_id: string;
  readonly lane: string;
  readonly failures: number;
  readonly target_url: string;
  readonly type: WebhookEvent;
  readonly payload: Record<string, unknown>;
  readonly happened_at: Date;
  readonly secret: string;
  readonly old_secret: string | null;
  readonly old_secret_until: Date | null;
}

/** See `WebhookJobs.claim`. */
export async function claim(core: Core, most: number, withoutLanes: readonly string[]): Promise<Claims> {
  const jobs = await core.queue.webhooks.fetch(most, withoutLanes);
  if (jobs.length === 0) return { deliveries: [], more: false };
  const wanted = jobs.map(({ deliveryId }) => deliveryId);
  const rows = await core.database.query<ClaimedRow>(sql.READ_CLAIMED, [wanted]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const deliveries: ClaimedDelivery[] = [];
  for (const job of jobs) {
    const row = byId.get(job.deliveryId);
    if (row) deliveries.push(claimedOf(job, row));
    else await drop(core, job);
  }
  return { deliveries, more: true };
}

function claimedOf({ jobId, retryCount }: DeliveryJob, row: ClaimedRow): ClaimedDelivery {
  const { old_secret, old_secret_until } = row;
  return {
    id: row.id,
    jobId,
    retryCount,
    eventId: row.event_id,
    endpointId: row.endpoint_id,
    lane: row.lane,
    url: row.target_url,
    type: row.type,
    payload: row.payload,
    happenedAt: row.happened_at,
    sealed: {
      current: row.secret,
      old: old_secret && old_secret_until ? { sealed: old_secret, until: old_secret_until } : undefined,
    },
    failures: row.failures,
  };
}

/** Nobody waits for it any more: the endpoint is gone or disabled, or it arrived in another way. */
async function drop(core: Core, job: DeliveryJob): Promise<void> {
  await core.database.transaction(async (tx) => {
    await tx.query(sql.LOCK_DELIVERY, [job.deliveryId]);
    if (await core.queue.webhooks.complete(tx, job)) await end(core, tx, job.deliveryId, "cancelled");
  });
}

async function end(core: Core, tx: Sql, id: string, state: DeliveryState): Promise<void> {
  await tx.query(sql.END_DELIVERY, [id, state, timeOf(core)]);
}

interface LockedRow {
  readonly id: string;
  readonly endpoint_id: string;
  readonly lane: string;
  readonly state: DeliveryState;
  readonly job_id: string;
  readonly attempts: number;
}

/** See `WebhookJobs.finish`. */
export async function finish(
  core: Core,
  { id, lane, jobId, retryCount }: ClaimedDelivery,
  attempt: Omit<DeliveryAttempt, "number">,
  verdict: Verdict,
): Promise<void> {
  await core.database.transaction(async (tx) => {
    const [row] = await tx.query<LockedRow>(sql.LOCK_DELIVERY, [id]);
    const completed = await core.queue.webhooks.complete(tx, { jobId, retryCount, deliveryId: id, lane });
    if (!row) return;
    const number = row.attempts + 1;
    const { at, durationMs, status, error } = attempt;
    await tx.query(sql.INSERT_ATTEMPT, [id, number, at, durationMs, status ?? null, error ?? null]);
    await tx.query(sql.COUNT_ATTEMPT, [id, number]);
    // A claim that was lost, or replaced by a replay, has a successor that decides what follows from failures.
    const ours = completed && row.job_id === jobId && row.state === "pending";
    if (verdict.kind === "delivered") {
      if (!ours && row.state === "pending") await core.queue.webhooks.cancel(tx, row.job_id);
      await end(core, tx, id, "delivered");
      await tx.query(sql.NOTE_WORKING, [row.endpoint_id]);
    } else {
      await tx.query(sql.NOTE_FAILING, [row.endpoint_id, timeOf(core)]);
      if (ours) await afterFailure(core, tx, row, verdict);
    }
  });
}

async function afterFailure(
  core: Core,
  tx: Sql,
  { id, lane, endpoint_id }: LockedRow,
  verdict: Exclude<Verdict, { kind: "delivered" }>,
): Promise<void> {
  if (verdict.kind !== "retry") {
    await end(core, tx, id, "failed");
    if (verdict.kind === "gone")
      await tx.query(sql.DISABLE_ENDPOINT, [endpoint_id, "its receiver answered 410 Gone"]);
    return;
  }
  const { delaySeconds } = verdict;
  const next = core.uuid();
  await core.queue.webhooks.send(tx, [{ id: next, deliveryId: id, lane, failing: true, delaySeconds }]);
  await tx.query(sql.POSTPONE_DELIVERY, [id, next, new Date(core.now() + delaySeconds * 1000)]);
}

/** See `WebhookJobs.replay`. */
export async function replay(core: Core, accountId: string, deliveryId: string): Promise<Delivery> {
  return core.database.transaction(async (tx) => {
    const [row] = await tx.query<LockedRow & { enabled: boolean }>(sql.LOCK_DELIVERY_OF, [
      accountId,
      deliveryId,
    ]);
    if (!row)
      throw new MixcacheError("delivery_not_found", `There is no delivery ${deliveryId}. Check the id.`);
    if (!row.enabled)
      throw new MixcacheError(
        "webhook_disabled",
        `The webhook ${row.endpoint_id} is disabled. Enable it, then replay.`,
      );
    if (row.state === "pending") await core.queue.webhooks.cancel(tx, row.job_id);
    const next = core.uuid();
    const job = { id: next, deliveryId, lane: row.lane, failing: false, delaySeconds: 0 };
    await core.queue.webhooks.send(tx, [job]);
    await tx.query(sql.REOPEN_DELIVERY, [deliveryId, next, timeOf(core)]);
    const [after] = await tx.query<DeliveryRow>(sql.READ_DELIVERY, [accountId, deliveryId]);
    if (!after) throw new MixcacheError("database_misused", "The delivery was not found again.");
    return deliveryOf(after);
  });
}

/** The youngest first. */
export async function deliveriesOf(
  { database }: Core,
  accountId: string,
  endpointId: string,
  { before, limit }: DeliveryPageWish,
): Promise<Delivery[]> {
  const values = [accountId, endpointId, before ?? null, limit];
  return (await database.query<DeliveryRow>(sql.LIST_DELIVERIES, values)).map(deliveryOf);
}
