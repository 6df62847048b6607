/** What receivers can be told of. */
export const WEBHOOK_EVENTS = [
  "video.started",
  "video.completed",
  "video.failed",
  "video.cancelled",
] as const;

export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];
