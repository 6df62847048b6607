/** Webhooks, as the API takes and shows them. */

import { z } from "zod";

/** What receivers can be told of. */
export const EVENTS = ["video.started", "video.completed", "video.failed", "video.cancelled"] as const;

const unixSeconds = z.int();
/** A day. */
export const DEFAULT_OVERLAP_SECONDS = 86_400;
const LONGEST_OVERLAP_SECONDS = 7 * 86_400;

const url = z.string("it must be a text").min(1, "it is empty").meta({
  description: "Where events are sent: https://, a public host, port 443 or 8443.",
  example: "https://hooks.example.com/mixcache",
});

/** A choice of events. */
export const eventsSchema = z
  .array(z.enum(EVENTS, `an event is one of ${EVENTS.join(", ")}`), "it must be a list of events")
  .min(1, "it names no event")
  .refine((events) => new Set(events).size === events.length, "it names an event twice");

export const createWebhookSchema = z.strictObject({
  url,
  events: eventsSchema.optional().meta({ description: "Default: all of them." }),
});

export const changeWebhookSchema = z
  .strictObject({
    url: url.optional(),
    events: eventsSchema.optional(),
    enabled: z
      .boolean("it must be true or false")
      .meta({ description: "Events that happen while it is false are not sent later." })
      .optional(),
  })
  .refine((change) => Object.keys(change).length > 0, "it changes nothing; give url, events or enabled");

export const rotateSecretSchema = z.strictObject({
  overlap_seconds: z
    .number("it must be a number")
    .int("it must be a whole number")
    .min(0, "it must not be negative")
    .max(LONGEST_OVERLAP_SECONDS, "it must be at most 604800 (7 days)")
    .meta({ description: "How long the old secret signs too. Default 86400, a day; 0: not at all." })
    .optional(),
});

export const webhookSchema = z.object({
  id: z.string(),
  object: z.literal("webhook"),
  url: z.string().nullable().meta({ description: "null: it signs for the `webhook_url` of requests." }),
  events: z.array(z.enum(EVENTS)),
  enabled: z.boolean(),
  disabled_reason: z.string().nullable(),
  failing_since: unixSeconds.nullable().meta({ description: "Since when every attempt has failed." }),
  old_secret_valid_until: unixSeconds.nullable().meta({ description: "While the secret is rotated." }),
  created_at: unixSeconds,
});

export const webhookWithSecretSchema = webhookSchema.extend({
  secret: z
    .string()
    .meta({ description: "What signatures are verified with. It is shown this once.", example: "whsec_…" }),
});

export const webhookListSchema = z.object({
  object: z.literal("list"),
  data: z.array(webhookSchema),
  has_more: z.boolean(),
});

export const webhookDeletedSchema = z.object({
  id: z.string(),
  object: z.literal("webhook.deleted"),
  deleted: z.literal(true),
});

export const deliverySchema = z.object({
  id: z.string(),
  object: z.literal("webhook.delivery"),
  webhook: z.string(),
  event: z.string().meta({ description: "The `webhook-id` that the receiver sees, at every attempt." }),
  type: z.enum(EVENTS),
  video: z.string(),
  url: z.string(),
  status: z.enum(["pending", "delivered", "failed", "cancelled"]),
  attempts: z.array(
    z.object({
      number: z.int(),
      at: unixSeconds,
      duration_ms: z.int(),
      status: z.int().nullable().meta({ description: "HTTP status; null where there was no answer." }),
      error: z.string().nullable().meta({ description: "Why it counts as a failure, in a word." }),
    }),
  ),
  next_attempt_at: unixSeconds.nullable(),
  created_at: unixSeconds,
  finished_at: unixSeconds.nullable(),
});

export const deliveryListSchema = z.object({
  object: z.literal("list"),
  data: z.array(deliverySchema),
  has_more: z.boolean(),
});
