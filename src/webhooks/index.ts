/** Telling others what happened to videos: signing, sending, and the guard against being sent to inner networks. */

export type { GuardPolicy } from "./address.ts";
export { type Resolve, systemResolve } from "./resolve.ts";
export { type SendOptions, TIMEOUT_MS } from "./send.ts";
export { type SenderOptions, type SenderTimers, WebhookSender } from "./sender.ts";
export { openWebhooks, type Webhooks, type WebhooksOptions, type WithSecret } from "./webhooks.ts";
