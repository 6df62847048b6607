/** Who is asking: `Authorization: Bearer mx_…`. */

import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { MixcacheError } from "../errors.ts";
import type { Accounts, KeyScope, Principal } from "../jobs/index.ts";
import { idAsGiven } from "../schemas/text.ts";
import { rateLimited } from "../wire/failure.ts";
import { bearerOf, keyInvalid, keyMissing } from "../wire/key.ts";
import type { ApiEnv } from "./context.ts";

/** The operator's key has no account; with this header it speaks for one. */
export const ACCOUNT_HEADER = "mixcache-account";

/**
 * Lets a request pass whose key has the scope, for its account. The operator passes too, for the account that it names.
 * @throws MixcacheError `invalid_api_key`, `scope_missing`, `account_not_found`
 */
export function authenticated(accounts: Accounts, scope: KeyScope) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const principal = await principalOf(c, accounts);
    if (isOperator(principal)) c.set("account", await named(c, accounts));
    else if (!principal.scopes.includes(scope))
      throw new MixcacheError("scope_missing", `This API key lacks the scope ${scope}. Use one that has it.`);
    await next();
  });
}

/** Lets the operator pass, and nobody else. @throws MixcacheError `invalid_api_key`, `scope_missing` */
export function operatorOnly(accounts: Accounts) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    if (!isOperator(await principalOf(c, accounts)))
      throw new MixcacheError("scope_missing", "This is for the operator's key only.");
    await next();
  });
}

export function isOperator({ scopes }: Principal): boolean {
  return scopes.includes("operator");
}

/** The account that a request is about. */
export function accountOf(c: Context<ApiEnv>): string {
  return c.get("account");
}

async function principalOf(c: Context<ApiEnv>, accounts: Accounts): Promise<Principal> {
  const secret = bearerOf(c.req.header("authorization"));
  if (secret === undefined) throw keyMissing();
  const principal = await accounts.authenticate(secret);
  if (!principal) throw keyInvalid();
  c.set("principal", principal);
  if (principal.accountId !== undefined) c.set("account", principal.accountId);
  await withinRate(c, accounts, principal);
  return principal;
}

/** Counts the request, where its key may send only so many, and says so in the headers of the IETF's draft. */
async function withinRate(c: Context<ApiEnv>, accounts: Accounts, principal: Principal): Promise<void> {
  const { requestsPerMinute } = principal.limits;
  if (requestsPerMinute === undefined) return;
  const state = await accounts.countRequest(principal.keyId, requestsPerMinute);
  c.header("ratelimit-policy", `"key";q=${state.limit};w=60`);
  c.header("ratelimit", `"key";r=${state.remaining};t=${state.resetSeconds}`);
  if (!state.allowed)
    throw rateLimited(`This API key may send ${state.limit} requests a minute.`, state.retryAfterSeconds);
}

async function named(c: Context<ApiEnv>, accounts: Accounts): Promise<string> {
  const id = c.req.header(ACCOUNT_HEADER);
  if (id === undefined)
    throw new MixcacheError(
      "scope_missing",
      `The operator's key has no account of its own. Name one in the header ${ACCOUNT_HEADER}, or use an account's key.`,
    );
  return (await accounts.get(idAsGiven(id))).id;
}
