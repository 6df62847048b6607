/** `/v1/account`: one's own. `/v1/accounts`: all of them and their credit, for the operator. */

import type { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Account, Balance } from "../jobs/index.ts";
import {
  accountListSchema,
  accountSchema,
  createAccountSchema,
  creditSchema,
  retentionSchema,
} from "../schemas/account.ts";
import { afterSchema, DEFAULT_LIMIT } from "../schemas/query.ts";
import { checked } from "../schemas/sentence.ts";
import { accountOf, authenticated, operatorOnly } from "./auth.ts";
import { readBody } from "./body.ts";
import type { ApiEnv, ApiOptions } from "./context.ts";
import { addOperation, parameter } from "./operation.ts";
import { decimal, microsOf, orNull, pageOf, unixSeconds } from "./present.ts";

const AccountObject = accountSchema.openapi("Account");
const AccountList = accountListSchema.openapi("AccountList");
const CreateAccount = createAccountSchema.openapi("CreateAccount");
const Retention = retentionSchema.openapi("Retention");
const Credit = creditSchema.openapi("Credit");
const TAG = "Accounts";

/** Adds both to an app. */
export function addAccountRoutes(app: OpenAPIHono<ApiEnv>, options: ApiOptions): void {
  const { accounts } = options;
  const operator = operatorOnly(accounts);
  const show = async (id: string) =>
    presentAccount(await accounts.get(id), await accounts.balance(id), options.currency);
  addOperation(app, {
    method: "get",
    path: "/v1/account",
    id: "getOwnAccount",
    summary: "Retrieve one's account and its balance",
    tag: TAG,
    success: { schema: AccountObject },
    key: authenticated(accounts, "usage:read"),
    handle: async (c) => c.json(await show(accountOf(c))),
  });
  addOperation(app, {
    method: "post",
    path: "/v1/accounts",
    id: "createAccount",
    summary: "Create an account",
    tag: TAG,
    body: { schema: CreateAccount },
    success: { status: 201, schema: AccountObject, links: ["getAccount", "giveCredit"] },
    failures: [400, 413, 415],
    key: operator,
    handle: async (c) => {
      const given = await readBody(c, { nullable: ["max_queued", "max_running"] });
      const body = checked(createAccountSchema, given, Object.keys(createAccountSchema.shape));
      const { id } = await accounts.create({
        name: body.name,
        ...(body.unlimited !== undefined && { unlimited: body.unlimited }),
        ...(body.max_queued !== undefined && { maxQueued: body.max_queued }),
        ...(body.max_running !== undefined && { maxRunning: body.max_running }),
        ...(body.retention_days !== undefined && { retentionDays: body.retention_days }),
      });
      return c.json(await show(id), 201);
    },
  });
  addOperation(app, {
    method: "get",
    path: "/v1/accounts",
    id: "listAccounts",
    summary: "List accounts",
    tag: TAG,
    query: afterSchema,
    success: { schema: AccountList },
    failures: [400],
    key: operator,
    handle: async (c) => {
      const { after, limit = DEFAULT_LIMIT } = checked(afterSchema, c.req.query());
      const found = await accounts.list({ limit: limit + 1, ...(after !== undefined && { after }) });
      return c.json(pageOf(found, limit, withoutBalance));
    },
  });
  addOperation(app, {
    method: "get",
    path: "/v1/accounts/{id}",
    id: "getAccount",
    summary: "Retrieve an account and its balance",
    tag: TAG,
    success: { schema: AccountObject },
    failures: [404],
    key: operator,
    handle: async (c) => c.json(await show(parameter(c, "id"))),
  });
  addOperation(app, {
    method: "put",
    path: "/v1/accounts/{id}/retention",
    id: "setRetention",
    summary: "Set how long files of an account's videos are kept",
    description: "It is about videos that end from now on.",
    tag: TAG,
    body: { schema: Retention },
    success: { schema: AccountObject },
    failures: [400, 404, 413, 415],
    key: operator,
    handle: async (c) => {
      const body = checked(retentionSchema, await readBody(c), Object.keys(retentionSchema.shape));
      const accountId = parameter(c, "id");
      await accounts.setRetention(accountId, body.retention_days ?? null);
      return c.json(await show(accountId));
    },
  });
  addOperation(app, {
    method: "post",
    path: "/v1/accounts/{id}/credit",
    id: "giveCredit",
    summary: "Give credit, or take it back",
    tag: TAG,
    body: { schema: Credit },
    success: { schema: AccountObject },
    failures: [400, 402, 404, 409, 413, 415],
    key: operator,
    handle: async (c) => {
      const body = checked(creditSchema, await readBody(c), Object.keys(creditSchema.shape));
      const accountId = parameter(c, "id");
      await accounts.credit({ accountId, amount: microsOf(body.amount), reference: body.reference });
      return c.json(await show(accountId));
    },
  });
}

function withoutBalance(account: Account): Omit<z.infer<typeof accountSchema>, "balance"> {
  return {
    id: account.id,
    object: "account",
    name: account.name,
    unlimited: account.unlimited,
    max_queued: orNull(account.maxQueued, (count) => count),
    max_running: orNull(account.maxRunning, (count) => count),
    retention_days: orNull(account.retentionDays, (days) => days),
    created_at: unixSeconds(account.createdAt),
  };
}

function presentAccount(
  account: Account,
  { credit, held, revenue }: Balance,
  currency: string,
): z.infer<typeof accountSchema> {
  const balance = { currency, credit: decimal(credit), held: decimal(held), spent: decimal(revenue) };
  return { ...withoutBalance(account), balance };
}
