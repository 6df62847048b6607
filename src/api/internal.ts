/**
 * Who runs the cell, and not who uses it: the edge router, scalers and the operator. Routes under `/internal/` are for
 * them alone, and the edge passes nobody on to these.
 */

import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { MixcacheError } from "../errors.ts";
import { sameSecret } from "../jobs/index.ts";
import { bearerOf } from "../wire/key.ts";
import type { ApiEnv, ApiOptions } from "./context.ts";

type Secrets = Pick<ApiOptions, "accounts" | "internalToken">;

/**
 * Lets a request pass that has the operator's key or `INTERNAL_TOKEN` as its bearer, or comes from the edge.
 * @throws MixcacheError `invalid_api_key`
 */
export function internalOnly(secrets: Secrets) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    if (!c.get("fromEdge") && !hasOwnSecret(c, secrets))
      throw new MixcacheError(
        "invalid_api_key",
        "This is for what runs the service. Send INTERNAL_TOKEN or the operator's key as authorization: Bearer ….",
      );
    await next();
  });
}

/** Whether a request has one of the cell's own secrets as its bearer. Asks no database. */
export function hasOwnSecret(c: Context<ApiEnv>, { accounts, internalToken }: Secrets): boolean {
  const secret = bearerOf(c.req.header("authorization"));
  if (secret === undefined) return false;
  return (internalToken !== undefined && sameSecret(secret, internalToken)) || accounts.isOperator(secret);
}
