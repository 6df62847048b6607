/** Every answer has an `x-request-id`. */

import { createMiddleware } from "hono/factory";
import { requestIdOf } from "../wire/request-id.ts";
import type { ApiEnv } from "./context.ts";

/** @param random a number in [0, 1), for ids of requests that have none */
export function requestId(random: () => number) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const id = requestIdOf(c.req.header("x-request-id"), random);
    c.set("requestId", id);
    await next();
    c.res.headers.set("x-request-id", id);
  });
}
