/** What accounts do with their webhooks: register, change, rotate, look after them. */

import { invalid } from "../errors.ts";
import { WEBHOOK_EVENTS, type WebhookEndpoint, type WebhookEvent, type WebhookJobs } from "../jobs/index.ts";
import type { GuardPolicy } from "./address.ts";
import { newSecret, type RandomBytes, seal } from "./secrets.ts";
import { checkUrl } from "./url.ts";

/** Endpoints that an account may have. */
export const MAX_ENDPOINTS = 20;

/** An endpoint with a secret that nobody sees again. */
export interface WithSecret {
  readonly endpoint: WebhookEndpoint;
  readonly secret: string;
}

/** What is left out stays; a new endpoint is told of everything. */
export interface EndpointWish {
  readonly url?: string;
  readonly events?: readonly WebhookEvent[];
  readonly enabled?: boolean;
}

export interface Webhooks
  extends Pick<WebhookJobs, "endpoint" | "endpoints" | "removeEndpoint" | "deliveries" | "replay"> {
  /** @throws MixcacheError `invalid_argument`, `webhook_limit` */
  create(accountId: string, wish: EndpointWish & { readonly url: string }): Promise<WithSecret>;
  /** @throws MixcacheError `invalid_argument`, `webhook_not_found` */
  change(accountId: string, id: string, wish: EndpointWish): Promise<WebhookEndpoint>;
  /** A new secret; the old one signs too for so many seconds. @throws MixcacheError `webhook_not_found` */
  rotate(accountId: string, id: string, overlapSeconds: number): Promise<WithSecret>;
  /** The secret that signs what goes to the URLs of requests: made, or rotated where there is one. */
  rotateRequestSecret(accountId: string, overlapSeconds: number): Promise<WithSecret>;
  /** Whether a request of the account may name this URL. @throws MixcacheError `invalid_argument` */
  checkRequestUrl(accountId: string, url: string): Promise<void>;
}

export interface WebhooksOptions {
  readonly jobs: WebhookJobs;
  /** What secrets are sealed with, 32 bytes. */
  readonly key: Uint8Array;
  readonly policy: GuardPolicy;
  readonly randomBytes: RandomBytes;
  readonly now: () => Date;
}

/** Webhooks of accounts, over the queue and the tables. */
export function openWebhooks({ jobs, key, policy, randomBytes, now }: WebhooksOptions): Webhooks {
  function secretFor(id: string): { secret: string; sealed: string } {
    const secret = newSecret(randomBytes);
    return { secret, sealed: seal(secret, id, key, randomBytes) };
  }

  async function add(
    accountId: string,
    wish: { url?: string; events: readonly WebhookEvent[] },
  ): Promise<WithSecret> {
    const id = jobs.newId();
    const { secret, sealed } = secretFor(id);
    return { secret, endpoint: await jobs.addEndpoint({ ...wish, id, accountId, sealed }, MAX_ENDPOINTS) };
  }

  async function rotate(accountId: string, id: string, overlapSeconds: number): Promise<WithSecret> {
    const { secret, sealed } = secretFor(id);
    const until = overlapSeconds > 0 ? new Date(now().getTime() + overlapSeconds * 1000) : undefined;
    return { secret, endpoint: await jobs.rotateSecret(accountId, id, sealed, until) };
  }

  return {
    endpoint: jobs.endpoint,
    endpoints: jobs.endpoints,
    removeEndpoint: jobs.removeEndpoint,
    deliveries: jobs.deliveries,
    replay: jobs.replay,
    create: (accountId, { url, events = WEBHOOK_EVENTS }) =>
      add(accountId, { url: checkUrl(url, policy, "url").href, events }),
    async change(accountId, id, { url, ...change }) {
      const { url: known } = await jobs.endpoint(accountId, id);
      if (known === undefined && (url !== undefined || change.events !== undefined))
        invalid(
          url === undefined ? "events" : "url",
          `${id} signs for the URLs that requests name: it has neither a url nor events of its own.`,
        );
      const href = url === undefined ? {} : { url: checkUrl(url, policy, "url").href };
      return jobs.changeEndpoint(accountId, id, { ...change, ...href });
    },
    rotate,
    async rotateRequestSecret(accountId, overlapSeconds) {
      const known = await jobs.requestEndpoint(accountId);
      return known ? rotate(accountId, known.id, overlapSeconds) : add(accountId, { events: WEBHOOK_EVENTS });
    },
    async checkRequestUrl(accountId, url) {
      checkUrl(url, policy, "webhook_url");
      const endpoint = await jobs.requestEndpoint(accountId);
      if (!endpoint)
        invalid(
          "webhook_url",
          "webhook_url can't be used: this account has no secret that such calls are signed with. Make one with POST /v1/webhooks/signing-secret.",
        );
      if (!endpoint.enabled)
        invalid("webhook_url", `webhook_url can't be used: ${endpoint.id} is disabled. Enable it first.`);
    },
  };
}
