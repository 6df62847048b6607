/** `GET /metrics`, for Prometheus, with the operator's key. */

import type { OpenAPIHono } from "@hono/zod-openapi";
import { operatorOnly } from "./auth.ts";
import type { ApiEnv, ApiOptions } from "./context.ts";
import { addOperation } from "./operation.ts";

/** Adds it to an app, where there are metrics. */
export function addMetricsRoute(app: OpenAPIHono<ApiEnv>, { metrics, accounts }: ApiOptions): void {
  if (!metrics) return;
  addOperation(app, {
    method: "get",
    path: "/metrics",
    id: "metrics",
    summary: "Metrics of this process and of the service, in Prometheus' form",
    tag: "Health",
    success: { content: ["text/plain"] },
    key: operatorOnly(accounts),
    handle: async (c) => c.body(await metrics.text(), 200, { "content-type": metrics.contentType }),
  });
}
