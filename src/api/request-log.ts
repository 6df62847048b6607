/** One line for each request; neither bodies nor queries nor keys are in it, and of accounts only pseudonyms. */

import { createMiddleware } from "hono/factory";
import { type Log, pseudonym } from "../logging.ts";
import type { ApiEnv } from "./context.ts";

/** Of accounts and keys, in paths. */
const IDS = /\b(acct|key)_\w+/g;

/** @param now the clock that durations are taken with */
export function requestLog(log: Log, now: () => Date) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const started = now().getTime();
    await next();
    const principal = c.get("principal");
    const account: string | undefined = c.get("account");
    log.info(
      {
        request_id: c.get("requestId"),
        method: c.req.method,
        path: c.req.path.replace(IDS, (id) => pseudonym(id)),
        status: c.res.status,
        duration_ms: now().getTime() - started,
        ...(principal && { key_hash: pseudonym(principal.keyId) }),
        ...(account !== undefined && { account_hash: pseudonym(account) }),
      },
      "request",
    );
  });
}
