/** Each request as a span and in the metrics: by its route, never by its path. */

import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { inSpan, type Metrics } from "../telemetry/index.ts";
import type { ApiEnv } from "./context.ts";

/** Of requests that no route is for. */
const UNMATCHED = "unmatched";

/** @param now the clock that durations are taken with */
export function observe(metrics: Metrics | undefined, now: () => Date) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const { method } = c.req;
    const traceparent = c.req.header("traceparent");
    const started = now().getTime();
    await inSpan(method, { kind: "server", ...(traceparent && { traceparent }) }, async (span) => {
      await next();
      const matched = routePath(c, -1);
      const route = matched.includes("*") ? UNMATCHED : matched;
      const { status } = c.res;
      span.rename(`${method} ${route}`);
      span.set({
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
        "mixcache.request_id": c.get("requestId"),
      });
      if (status >= 500) span.fail(String(status));
      metrics?.request({ method, route, status, seconds: (now().getTime() - started) / 1000 });
    });
  });
}
