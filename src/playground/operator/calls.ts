/** What the operator's views ask of the API: docs/api.md, docs/webhooks.md. */

import { signal } from "@preact/signals";
import type { z } from "zod";
import type {
  accountListSchema,
  createdKeySchema,
  createKeySchema,
  keyListSchema,
  keySchema,
} from "../../schemas/account.ts";
import type { usageSchema } from "../../schemas/usage.ts";
import type { deliveryListSchema, deliverySchema, webhookListSchema } from "../../schemas/webhook.ts";
import type { Asking } from "../server/api.ts";
import { api } from "../session.ts";

export type Key = z.infer<typeof keySchema>;
export type CreatedKey = z.infer<typeof createdKeySchema>;
export type NewKey = z.infer<typeof createKeySchema>;
export type Usage = z.infer<typeof usageSchema>;
export type UsageRow = Usage["data"][number];
export type Webhook = z.infer<typeof webhookListSchema>["data"][number];
export type Delivery = z.infer<typeof deliverySchema>;
export type Account = z.infer<typeof accountListSchema>["data"][number];

/** A page of a list, and whether there are more. */
export interface Page<Item> {
  readonly data: readonly Item[];
  readonly has_more: boolean;
}

/** For whom the operator's key speaks; undefined with an account's own key. */
export const chosenAccount = signal<string | undefined>(undefined);

/** The accounts that the operator's key may speak for. @throws MixcacheError `scope_missing` for another one */
export async function accounts(signal: AbortSignal): Promise<readonly Account[]> {
  return (await api.json<z.infer<typeof accountListSchema>>("/v1/accounts?limit=100", { signal })).data;
}

/** Newest first. */
export function keys(signal: AbortSignal): Promise<Page<Key>> {
  return ask<z.infer<typeof keyListSchema>>("/v1/keys?limit=100", { signal });
}

/** The only answer that ever has the key's secret. */
export function createKey(json: NewKey): Promise<CreatedKey> {
  return ask("/v1/keys", { method: "POST", json });
}

export function revokeKey(id: string): Promise<Key> {
  return ask(`/v1/keys/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/** @param query `from`, `to` and `group_by` */
export function usage(query: URLSearchParams, signal: AbortSignal): Promise<Usage> {
  return ask(`/v1/usage?${query}`, { signal });
}

export function webhooks(signal: AbortSignal): Promise<Page<Webhook>> {
  return ask<z.infer<typeof webhookListSchema>>("/v1/webhooks?limit=100", { signal });
}

/** The youngest first. */
export function deliveries(webhook: string, signal: AbortSignal): Promise<Page<Delivery>> {
  return ask<z.infer<typeof deliveryListSchema>>(
    `/v1/webhooks/${encodeURIComponent(webhook)}/deliveries?limit=100`,
    { signal },
  );
}

export function replay(delivery: string): Promise<Delivery> {
  return ask(`/v1/webhooks/deliveries/${encodeURIComponent(delivery)}/replay`, { method: "POST" });
}

function ask<T>(path: string, asking: Asking): Promise<T> {
  const account = chosenAccount.value;
  return api.json<T>(path, {
    ...asking,
    ...(account !== undefined && { headers: { "mixcache-account": account } }),
  });
}
