/** Webhooks and their deliveries as the API shows them. */

import type { z } from "zod";
import type { Delivery, WebhookEndpoint } from "../../jobs/index.ts";
import type { deliverySchema, webhookSchema } from "../../schemas/webhook.ts";
import { orNull, unixSeconds } from "../present.ts";

const asIs = <Value>(value: Value) => value;

/** Never with its secret. */
export function presentWebhook(row: WebhookEndpoint): z.infer<typeof webhookSchema> {
  return {
    id: row.id,
    object: "webhook",
    url: orNull(row.url, asIs),
    events: [...row.events],
    enabled: row.enabled,
    disabled_reason: orNull(row.disabledReason, asIs),
    failing_since: orNull(row.failingSince, unixSeconds),
    old_secret_valid_until: orNull(row.sealed.old?.until, unixSeconds),
    created_at: unixSeconds(row.createdAt),
  };
}

export function presentDelivery(row: Delivery): z.infer<typeof deliverySchema> {
  return {
    id: row.id,
    object: "webhook.delivery",
    webhook: row.endpointId,
    event: row.eventId,
    type: row.type,
    video: row.videoId,
    url: row.url,
    status: row.state,
    attempts: row.attempts.map(({ number, at, durationMs, status, error }) => ({
      number,
      at: unixSeconds(at),
      duration_ms: durationMs,
      status: orNull(status, asIs),
      error: orNull(error, asIs),
    })),
    next_attempt_at: orNull(row.nextAttemptAt, unixSeconds),
    created_at: unixSeconds(row.createdAt),
    finished_at: orNull(row.finishedAt, unixSeconds),
  };
}
