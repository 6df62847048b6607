/** Who is told of events: the endpoints of accounts. What is on its way to them is in `deliveries.ts`. */

import { MixcacheError } from "../errors.ts";
import { type Core, timeOf } from "./core.ts";
import { claim, deliveriesOf, fanOut, finish, replay } from "./deliveries.ts";
import * as sql from "./sql/webhooks.ts";
import type { EndpointChange, NewEndpoint, WebhookEndpoint, WebhookJobs } from "./webhook-contract.ts";
import type { WebhookEvent } from "./webhook-events.ts";

/** See `Jobs.webhooks`. */
export function openWebhookJobs(core: Core): WebhookJobs {
  const { database, ids, queue } = core;

  async function one(text: string, values: readonly unknown[]): Promise<WebhookEndpoint> {
    const [row] = await database.query<EndpointRow>(text, values);
    if (!row) throw notFound(String(values[1]));
    return endpointOf(row);
  }
  const endpoint = (accountId: string, id: string) => one(sql.READ_ENDPOINT, [accountId, id]);

  return {
    newId: () => ids.webhook(),
    addEndpoint: (wish, most) => addEndpoint(core, wish, most),
    endpoint,
    requestEndpoint: async (accountId) => {
      const [row] = await database.query<EndpointRow>(sql.READ_REQUEST_ENDPOINT, [accountId]);
      return row && endpointOf(row);
    },
    endpoints: async (accountId, { after, limit }) => {
      const rows = await database.query<EndpointRow>(sql.LIST_ENDPOINTS, [accountId, after ?? null, limit]);
      return rows.map(endpointOf);
    },
    changeEndpoint: (accountId, id, { url, events, enabled }: EndpointChange) =>
      one(sql.CHANGE_ENDPOINT, [
        accountId,
        id,
        url ?? null,
        events ? [...events] : null,
        enabled ?? null,
        enabled === false ? "disabled by its owner" : null,
      ]),
    rotateSecret: (accountId, id, sealed, oldUntil) =>
      one(sql.ROTATE_SECRET, [accountId, id, sealed, oldUntil ?? null]),
    removeEndpoint: async (accountId, id) => {
      const rows = await database.query(sql.DELETE_ENDPOINT, [accountId, id]);
      if (rows.length === 0) throw notFound(id);
    },
    deliveries: async (accountId, endpointId, page) => {
      await endpoint(accountId, endpointId);
      return deliveriesOf(core, accountId, endpointId, page);
    },
    replay: (accountId, deliveryId) => replay(core, accountId, deliveryId),
    fanOut: () => fanOut(core),
    claim: (most, withoutLanes) => claim(core, most, withoutLanes),
    finish: (claimed, attempt, verdict) => finish(core, claimed, attempt, verdict),
    release: ({ jobId, retryCount, id, lane }) =>
      queue.webhooks.release({ jobId, retryCount, deliveryId: id, lane }),
  };
}

function addEndpoint(core: Core, wish: NewEndpoint, most: number): Promise<WebhookEndpoint> {
  const { id, accountId, url, events, sealed } = wish;
  return core.database.transaction(async (tx) => {
    const [account] = await tx.query(sql.LOCK_ACCOUNT, [accountId]);
    if (!account) throw new MixcacheError("account_not_found", `There is no account ${accountId}.`);
    const [kept] = await tx.query<{ count: number }>(sql.COUNT_ENDPOINTS, [accountId]);
    if (url !== undefined && (kept?.count ?? 0) >= most)
      throw new MixcacheError(
        "webhook_limit",
        `This account has ${most} webhooks, as many as it may have. Delete one, or change its url.`,
      );
    const values = [id, accountId, url ?? null, [...events], sealed, timeOf(core)];
    const [row] = await tx.query<EndpointRow>(sql.INSERT_ENDPOINT, values);
    if (!row) throw new MixcacheError("database_misused", "The webhook was not stored.");
    return endpointOf(row);
  });
}

/** The same sentence whether it never was or is another account's. */
function notFound(id: string): MixcacheError {
  return new MixcacheError("webhook_not_found", `There is no webhook ${id}. Check the id.`);
}

interface EndpointRow {
  readonly id: string;
  readonly account_id: string;
  readonly url: string | null;
  readonly events: readonly WebhookEvent[];
  readonly enabled: boolean;
  readonly disabled_reason: string | null;
  readonly secret: string;
  readonly old_secret: string | null;
  readonly old_secret_until: Date | null;
  readonly failing_since: Date | null;
  readonly created_at: Date;
}

function endpointOf(row: EndpointRow): WebhookEndpoint {
  const { old_secret, old_secret_until } = row;
  return {
    id: row.id,
    accountId: row.account_id,
    url: row.url ?? undefined,
    events: row.events,
    enabled: row.enabled,
    disabledReason: row.disabled_reason ?? undefined,
    sealed: {
      current: row.secret,
      old: old_secret && old_secret_until ? { sealed: old_secret, until: old_secret_until } : undefined,
    },
    failingSince: row.failing_since ?? undefined,
    createdAt: row.created_at,
  };
}
