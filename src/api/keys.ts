/** `/v1/keys`: an account's keys. */

import type { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { MixcacheError } from "../errors.ts";
import { type ApiKey, KEY_SCOPES, type KeyChange, type KeyScope } from "../jobs/index.ts";
import {
  changeKeySchema,
  createdKeySchema,
  createKeySchema,
  keyListSchema,
  keySchema,
} from "../schemas/account.ts";
import { afterSchema, DEFAULT_LIMIT } from "../schemas/query.ts";
import { checked } from "../schemas/sentence.ts";
import { accountOf, authenticated, isOperator } from "./auth.ts";
import { readBody } from "./body.ts";
import type { ApiEnv, ApiOptions } from "./context.ts";
import { addOperation, parameter } from "./operation.ts";
import { decimal, microsOf, orNull, unixSeconds } from "./present.ts";

const Key = keySchema.openapi("Key");
const CreatedKey = createdKeySchema.openapi("CreatedKey");
const KeyList = keyListSchema.openapi("KeyList");
const CreateKey = createKeySchema.openapi("CreateKey");
const ChangeKey = changeKeySchema.openapi("ChangeKey");
const TAG = "Keys";

/** Adds `/v1/keys` to an app. */
export function addKeyRoutes(app: OpenAPIHono<ApiEnv>, { accounts }: ApiOptions): void {
  const key = authenticated(accounts, "keys:manage");
  addOperation(app, {
    method: "post",
    path: "/v1/keys",
    id: "createKey",
    summary: "Create a key",
    tag: TAG,
    body: { schema: CreateKey },
    success: { status: 201, schema: CreatedKey, links: ["changeKey", "revokeKey"] },
    failures: [400, 413, 415],
    key,
    handle: async (c) => {
      const { name, scopes, ...limits } = checked(
        createKeySchema,
        await readBody(c),
        Object.keys(createKeySchema.shape),
      );
      refuseLimited(c);
      const { requestsPerMinute, spendCap } = changeOf(limits);
      const made = await accounts.createKey({
        accountId: accountOf(c),
        name,
        scopes: within(c, scopes),
        ...(requestsPerMinute && { requestsPerMinute }),
        ...(spendCap && { spendCap }),
      });
      return c.json({ ...presentKey(made.key), secret: made.secret }, 201);
    },
  });
  addOperation(app, {
    method: "get",
    path: "/v1/keys",
    id: "listKeys",
    summary: "List keys",
    tag: TAG,
    query: afterSchema,
    success: { schema: KeyList },
    failures: [400],
    key,
    handle: async (c) => {
      const { after, limit = DEFAULT_LIMIT } = checked(afterSchema, c.req.query());
      const wish = { limit: limit + 1, ...(after !== undefined && { after }) };
      const keys = await accounts.listKeys(accountOf(c), wish);
      return c.json({
        object: "list",
        data: keys.slice(0, limit).map(presentKey),
        has_more: keys.length > limit,
      });
    },
  });
  addOperation(app, {
    method: "post",
    path: "/v1/keys/{id}",
    id: "changeKey",
    summary: "Change a key's name or limits",
    description: "What is left out stays; null takes a limit away. It counts from the next request on.",
    tag: TAG,
    body: { schema: ChangeKey },
    success: { schema: Key },
    failures: [400, 404, 413, 415],
    key,
    handle: async (c) => {
      const body = await readBody(c, { nullable: ["requests_per_minute", "spend_cap"] });
      const change = checked(changeKeySchema, body, Object.keys(changeKeySchema.shape));
      refuseLimited(c);
      const id = parameter(c, "id");
      return c.json(presentKey(await accounts.changeKey(accountOf(c), id, changeOf(change))));
    },
  });
  addOperation(app, {
    method: "delete",
    path: "/v1/keys/{id}",
    id: "revokeKey",
    summary: "Revoke a key",
    description: "From the next request on it is refused.",
    tag: TAG,
    success: { schema: Key },
    failures: [404],
    key,
    handle: async (c) => {
      const revoked = await accounts.revokeKey(accountOf(c), parameter(c, "id"));
      return c.json(presentKey(revoked));
    },
  });
}

/** A key can't give what it does not have. */
function within(c: Context<ApiEnv>, asked: readonly KeyScope[] | undefined): readonly KeyScope[] {
  const principal = c.get("principal");
  const own = KEY_SCOPES.filter((scope) => isOperator(principal) || principal.scopes.includes(scope));
  const missing = asked?.find((scope) => !own.includes(scope));
  if (missing !== undefined)
    throw new MixcacheError(
      "scope_missing",
      `This API key lacks the scope ${missing}, so it can't give it to another one.`,
      { field: "scopes" },
    );
  return asked ?? own;
}

/** With another key, or without its limits, it would get around them. */
function refuseLimited(c: Context<ApiEnv>): void {
  const { requestsPerMinute, spendCap } = c.get("principal").limits;
  if (requestsPerMinute !== undefined || spendCap)
    throw new MixcacheError(
      "scope_missing",
      "This API key has limits, so it can neither make keys nor change them. Use one without, or the operator's.",
    );
}

/** What the schema says, in the jobs' words. */
function changeOf({ name, requests_per_minute, spend_cap }: z.infer<typeof changeKeySchema>): KeyChange {
  return {
    ...(name !== undefined && { name }),
    ...(requests_per_minute !== undefined && { requestsPerMinute: requests_per_minute }),
    ...(spend_cap !== undefined && {
      spendCap: spend_cap && { amount: microsOf(spend_cap.amount), period: spend_cap.period },
    }),
  };
}

function presentKey(key: ApiKey): z.infer<typeof keySchema> {
  return {
    id: key.id,
    object: "key",
    account: key.accountId,
    name: key.name,
    prefix: key.prefix,
    scopes: [...key.scopes],
    requests_per_minute: orNull(key.requestsPerMinute, (count) => count),
    spend_cap: orNull(key.spendCap, ({ amount, period }) => ({ amount: decimal(amount), period })),
    created_at: unixSeconds(key.createdAt),
    last_used_at: orNull(key.lastUsedAt, unixSeconds),
    revoked_at: orNull(key.revokedAt, unixSeconds),
  };
}
