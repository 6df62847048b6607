/** `/v1/webhooks`: who is told of what happens to an account's videos, and what became of telling them. */

import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { afterSchema, DEFAULT_LIMIT } from "../../schemas/query.ts";
import { checked } from "../../schemas/sentence.ts";
import {
  changeWebhookSchema,
  createWebhookSchema,
  DEFAULT_OVERLAP_SECONDS,
  deliveryListSchema,
  deliverySchema,
  rotateSecretSchema,
  webhookDeletedSchema,
  webhookListSchema,
  webhookSchema,
  webhookWithSecretSchema,
} from "../../schemas/webhook.ts";
import type { WithSecret } from "../../webhooks/index.ts";
import { accountOf, authenticated } from "../auth.ts";
import { readBody } from "../body.ts";
import type { ApiEnv, ApiOptions } from "../context.ts";
import { addOperation, type Operation, parameter } from "../operation.ts";
import { pageOf } from "../present.ts";
import { presentDelivery, presentWebhook } from "./present.ts";

const Webhook = webhookSchema.openapi("Webhook");
const WithSecretShown = webhookWithSecretSchema.openapi("WebhookWithSecret");
const WebhookList = webhookListSchema.openapi("WebhookList");
const WebhookDeleted = webhookDeletedSchema.openapi("WebhookDeleted");
const DeliveryShown = deliverySchema.openapi("WebhookDelivery");
const DeliveryList = deliveryListSchema.openapi("WebhookDeliveryList");
const CreateWebhook = createWebhookSchema.openapi("CreateWebhook");
const ChangeWebhook = changeWebhookSchema.openapi("ChangeWebhook");
const RotateSecret = rotateSecretSchema.openapi("RotateWebhookSecret");

/** Adds `/v1/webhooks` to an app. */
export function addWebhookRoutes(app: OpenAPIHono<ApiEnv>, options: ApiOptions): void {
  const key = authenticated(options.accounts, "webhooks:manage");
  const all = [...secretRoutes(options), ...endpointRoutes(options), ...deliveryRoutes(options)];
  for (const route of all) addOperation(app, { ...route, tag: "Webhooks", key });
}

type Route = Omit<Operation, "tag" | "key">;

/** Before those with an id in the path: the first that matches answers. */
function secretRoutes({ webhooks }: ApiOptions): Route[] {
  return [
    {
      method: "post",
      path: "/v1/webhooks/signing-secret",
      id: "rotateWebhookSigningSecret",
      summary: "Make or rotate the secret that signs what goes to the webhook_url of requests",
      body: { schema: RotateSecret },
      success: { schema: WithSecretShown },
      failures: [400, 413, 415],
      handle: async (c) =>
        c.json(shown(await webhooks.rotateRequestSecret(accountOf(c), await overlapOf(c)))),
    },
    {
      method: "post",
      path: "/v1/webhooks/{id}/rotate-secret",
      id: "rotateWebhookSecret",
      summary: "Rotate a webhook's secret",
      description: "Both secrets sign until the old one's time is over.",
      body: { schema: RotateSecret },
      success: { schema: WithSecretShown },
      failures: [400, 404, 413, 415],
      handle: async (c) =>
        c.json(shown(await webhooks.rotate(accountOf(c), parameter(c, "id"), await overlapOf(c)))),
    },
  ];
}

function endpointRoutes({ webhooks }: ApiOptions): Route[] {
  return [
    {
      method: "post",
      path: "/v1/webhooks",
      id: "createWebhook",
      summary: "Register a webhook",
      body: { schema: CreateWebhook },
      success: { status: 201, schema: WithSecretShown },
      failures: [400, 409, 413, 415],
      handle: async (c) => {
        const { url, events } = checked(createWebhookSchema, await readBody(c), keysOf(createWebhookSchema));
        return c.json(shown(await webhooks.create(accountOf(c), { url, ...(events && { events }) })), 201);
      },
    },
    {
      method: "get",
      path: "/v1/webhooks",
      id: "listWebhooks",
      summary: "List webhooks",
      query: afterSchema,
      success: { schema: WebhookList },
      failures: [400],
      handle: async (c) => {
        const { after, limit = DEFAULT_LIMIT } = checked(afterSchema, c.req.query());
        const page = { limit: limit + 1, ...(after !== undefined && { after }) };
        const found = await webhooks.endpoints(accountOf(c), page);
        return c.json(pageOf(found, limit, presentWebhook));
      },
    },
    {
      method: "get",
      path: "/v1/webhooks/{id}",
      id: "getWebhook",
      summary: "Retrieve a webhook",
      success: { schema: Webhook },
      failures: [404],
      handle: async (c) => c.json(presentWebhook(await webhooks.endpoint(accountOf(c), parameter(c, "id")))),
    },
    {
      method: "post",
      path: "/v1/webhooks/{id}",
      id: "changeWebhook",
      summary: "Change, disable or enable a webhook",
      body: { schema: ChangeWebhook },
      success: { schema: Webhook },
      failures: [400, 404, 413, 415],
      handle: async (c) => {
        const { url, events, enabled } = checked(
          changeWebhookSchema,
          await readBody(c),
          keysOf(changeWebhookSchema),
        );
        const wish = {
          ...(url !== undefined && { url }),
          ...(events && { events }),
          ...(enabled !== undefined && { enabled }),
        };
        return c.json(presentWebhook(await webhooks.change(accountOf(c), parameter(c, "id"), wish)));
      },
    },
    {
      method: "delete",
      path: "/v1/webhooks/{id}",
      id: "deleteWebhook",
      summary: "Delete a webhook and its deliveries",
      success: { schema: WebhookDeleted },
      failures: [404],
      handle: async (c) => {
        const id = parameter(c, "id");
        await webhooks.removeEndpoint(accountOf(c), id);
        return c.json({ id, object: "webhook.deleted", deleted: true });
      },
    },
  ];
}

function deliveryRoutes({ webhooks }: ApiOptions): Route[] {
  return [
    {
      method: "get",
      path: "/v1/webhooks/{id}/deliveries",
      id: "listWebhookDeliveries",
      summary: "List a webhook's deliveries with their attempts, the youngest first",
      query: afterSchema,
      success: { schema: DeliveryList },
      failures: [400, 404],
      handle: async (c) => {
        const { after, limit = DEFAULT_LIMIT } = checked(afterSchema, c.req.query());
        const page = { limit: limit + 1, ...(after !== undefined && { before: after }) };
        const found = await webhooks.deliveries(accountOf(c), parameter(c, "id"), page);
        return c.json(pageOf(found, limit, presentDelivery));
      },
    },
    {
      method: "post",
      path: "/v1/webhooks/deliveries/{id}/replay",
      id: "replayWebhookDelivery",
      summary: "Send a delivery again, now",
      description: "With the same webhook-id, from the beginning of the schedule.",
      success: { schema: DeliveryShown },
      failures: [404, 409],
      handle: async (c) => c.json(presentDelivery(await webhooks.replay(accountOf(c), parameter(c, "id")))),
    },
  ];
}

function keysOf({ shape }: { readonly shape: object }): string[] {
  return Object.keys(shape);
}

async function overlapOf(c: Context<ApiEnv>): Promise<number> {
  const { overlap_seconds = DEFAULT_OVERLAP_SECONDS } = checked(
    rotateSecretSchema,
    await readBody(c),
    keysOf(rotateSecretSchema),
  );
  return overlap_seconds;
}

function shown({ endpoint, secret }: WithSecret) {
  return { ...presentWebhook(endpoint), secret };
}
