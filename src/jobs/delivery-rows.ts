/** Rows of deliveries, read into their type. */

import type { Delivery, DeliveryState } from "./webhook-contract.ts";
import type { WebhookEvent } from "./webhook-events.ts";

/** A row as both drivers give it. */
export interface DeliveryRow {
  readonly id: string;
  readonly event_id: string;
  readonly endpoint_id: string;
  readonly state: DeliveryState;
  readonly next_attempt_at: Date | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
  readonly target_url: string | null;
  readonly type: WebhookEvent;
  readonly video_id: string;
  readonly attempts: readonly AttemptRow[];
}

interface AttemptRow {
  readonly number: number;
  /** ISO 8601: it comes inside JSON. */
  readonly at: string;
  readonly duration_ms: number;
  readonly status: number | null;
  readonly error: string | null;
}

/** Reads one row. */
export function deliveryOf(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    eventId: row.event_id,
    endpointId: row.endpoint_id,
    type: row.type,
    videoId: row.video_id,
    url: row.target_url ?? "",
    state: row.state,
    attempts: row.attempts.map(({ number, at, duration_ms, status, error }) => ({
      number,
      at: new Date(at),
      durationMs: duration_ms,
      status: status ?? undefined,
      error: error ?? undefined,
    })),
    nextAttemptAt: row.next_attempt_at ?? undefined,
    createdAt: row.created_at,
    finishedAt: row.finished_at ?? undefined,
  };
}
