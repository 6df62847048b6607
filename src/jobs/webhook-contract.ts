/**
 * What the rooms say to each other about telling others. An *endpoint* is a URL that an account registered (or, without
 * a URL, the account's secret for the URLs that its requests name); a *delivery* is one event on its way to one
 * endpoint; an *attempt* is one request. Secrets come sealed and go sealed.
 */

import type { WebhookEvent } from "./webhook-events.ts";

/** An endpoint as the tables have it. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly accountId: string;
  /** Undefined: it signs for the URLs that requests name. */
  readonly url: string | undefined;
  readonly events: readonly WebhookEvent[];
  readonly enabled: boolean;
  readonly disabledReason: string | undefined;
  readonly sealed: SealedSecrets;
  /** Since when every attempt has failed. */
  readonly failingSince: Date | undefined;
  readonly createdAt: Date;
}

/** Secrets that only the room of webhooks can open. */
export interface SealedSecrets {
  readonly current: string;
  /** Valid beside the current one for a while. */
  readonly old: { readonly sealed: string; readonly until: Date } | undefined;
}

/** A new endpoint; the id is made before, because the secret is sealed for it. */
export interface NewEndpoint {
  readonly id: string;
  readonly accountId: string;
  readonly url?: string;
  readonly events: readonly WebhookEvent[];
  readonly sealed: string;
}

/** What is left out stays. */
export interface EndpointChange {
  readonly url?: string;
  readonly events?: readonly WebhookEvent[];
  readonly enabled?: boolean;
}

export type DeliveryState =
  | "pending"
  /** Answered with 2xx. */
  | "delivered"
  /** Every attempt of the schedule failed, or the receiver said that it is gone. */
  | "failed"
  /** Its endpoint was disabled before it arrived. */
  | "cancelled";

/** One request and what came of it. */
export interface DeliveryAttempt {
  /** From 1, over replays too. */
  readonly number: number;
  readonly at: Date;
  readonly durationMs: number;
  /** Undefined where there was no answer. */
  readonly status: number | undefined;
  /** Why it counts as a failure, in a word; undefined for a success. */
  readonly error: string | undefined;
}

export interface Delivery {
  readonly id: string;
  /** The `webhook-id`: the same for every attempt, replay and endpoint. */
  readonly eventId: string;
  readonly endpointId: string;
  readonly type: WebhookEvent;
  readonly videoId: string;
  readonly url: string;
  readonly state: DeliveryState;
  readonly attempts: readonly DeliveryAttempt[];
  /** Undefined unless it is pending. */
  readonly nextAttemptAt: Date | undefined;
  readonly createdAt: Date;
  readonly finishedAt: Date | undefined;
}

/** A delivery in a sender's hands. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly jobId: string;
  readonly retryCount: number;
  readonly eventId: string;
  readonly endpointId: string;
  /** The receiver; deliveries of one lane wait for each other only. */
  readonly lane: string;
  readonly url: string;
  readonly type: WebhookEvent;
  /** The video as it was shown when it happened. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly happenedAt: Date;
  readonly sealed: SealedSecrets;
  /** Failures in a row before this attempt. */
  readonly failures: number;
}

/** What a sender got. */
export interface Claims {
  readonly deliveries: readonly ClaimedDelivery[];
  /** Whether asking again may give more, however few these are. */
  readonly more: boolean;
}

/** What follows from an attempt. */
export type Verdict =
  | { readonly kind: "delivered" }
  | { readonly kind: "retry"; readonly delaySeconds: number }
  /** The schedule is at its end. */
  | { readonly kind: "failed" }
  /** The receiver wants nothing any more: its endpoint is disabled. */
  | { readonly kind: "gone" };

/** A page of deliveries, the youngest first. */
export interface DeliveryPageWish {
  readonly before?: string;
  readonly limit: number;
}

/** Every method is one transaction or one statement. */
export interface WebhookJobs {
  /** An id for a new endpoint. */
  newId(): string;
  /** @throws MixcacheError `account_not_found`, `webhook_limit` where the account has `most` already */
  addEndpoint(wish: NewEndpoint, most: number): Promise<WebhookEndpoint>;
  /** @throws MixcacheError `webhook_not_found`, also for another account's */
  endpoint(accountId: string, id: string): Promise<WebhookEndpoint>;
  /** The one that signs for URLs of requests, where the account has it. */
  requestEndpoint(accountId: string): Promise<WebhookEndpoint | undefined>;
  endpoints(
    accountId: string,
    page: { readonly after?: string; readonly limit: number },
  ): Promise<WebhookEndpoint[]>;
  /** @throws MixcacheError `webhook_not_found` */
  changeEndpoint(accountId: string, id: string, change: EndpointChange): Promise<WebhookEndpoint>;
  /** @param oldUntil until when the secret of before is valid too. @throws MixcacheError `webhook_not_found` */
  rotateSecret(
    accountId: string,
    id: string,
    sealed: string,
    oldUntil: Date | undefined,
  ): Promise<WebhookEndpoint>;
  /** With its deliveries. @throws MixcacheError `webhook_not_found` */
  removeEndpoint(accountId: string, id: string): Promise<void>;
  /** @throws MixcacheError `webhook_not_found` */
  deliveries(accountId: string, endpointId: string, page: DeliveryPageWish): Promise<Delivery[]>;
  /**
   * Sends it again now, from the beginning of the schedule.
   * @throws MixcacheError `delivery_not_found`, `webhook_disabled`
   */
  replay(accountId: string, deliveryId: string): Promise<Delivery>;

  /** Makes deliveries of events, all or nothing. @returns how many events it saw; 0: there is none left */
  fanOut(): Promise<number>;
  /** Claims what is due, the oldest first, of no lane more than it may have. */
  claim(most: number, withoutLanes: readonly string[]): Promise<Claims>;
  /** Records the attempt and what follows from it, with the next job, in one transaction. */
  finish(claimed: ClaimedDelivery, attempt: Omit<DeliveryAttempt, "number">, verdict: Verdict): Promise<void>;
  /** Gives a claim back without an attempt. */
  release(claimed: ClaimedDelivery): Promise<void>;
}
