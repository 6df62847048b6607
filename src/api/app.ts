/** The API: every route on one app, which `app.request()` and a server can both ask. */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { MixcacheError } from "../errors.ts";
import { noRoute } from "../wire/failure.ts";
import { addAccountDataRoute } from "./account-data.ts";
import { addAccountRoutes } from "./accounts.ts";
import type { ApiEnv, ApiOptions } from "./context.ts";
import { addDocsRoutes } from "./docs/routes.ts";
import { addEdgeKeyRoute } from "./edge-keys.ts";
import { edgeOnly } from "./edge-proof.ts";
import { failureOf, respondWith } from "./errors.ts";
import { addHealthRoutes } from "./health.ts";
import { addKeyRoutes } from "./keys.ts";
import { addMetricsRoute } from "./metrics.ts";
import { addModelRoutes } from "./models.ts";
import { observe } from "./observe.ts";
import { playgroundFile, playgroundPage } from "./playground/routes.ts";
import { requestId } from "./request-id.ts";
import { requestLog } from "./request-log.ts";
import { type Route, routesOf } from "./route-list.ts";
import { addScaleRoute } from "./scale.ts";
import { Streams } from "./streams.ts";
import { addUsageRoutes } from "./usage.ts";
import { addContentRoutes } from "./videos/content.ts";
import { addEventRoutes } from "./videos/events.ts";
import { addPreviewRoutes } from "./videos/previews.ts";
import { addQuoteRoute } from "./videos/quote.ts";
import { addRefusedRoutes } from "./videos/refused.ts";
import { addVideoRoutes } from "./videos/routes.ts";
import { addWebhookRoutes } from "./webhooks/routes.ts";

/** Builds the app; it holds no state of its own but the count of requests that are held open. */
export function createApi(options: ApiOptions): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>();
  const { edge, files, log, playground } = options;
  const streams = new Streams(options.streams);
  app.use(requestId(options.random));
  app.use(observe(options.metrics, options.now));
  app.use(requestLog(log, options.now));
  app.onError((error, c) => {
    const failure = failureOf(error);
    if (failure.status >= 500) log.error({ request_id: c.get("requestId"), error }, failure.code);
    return respondWith(c, failure);
  });
  if (edge) app.use(edgeOnly({ ...options, edge }));
  if (files) app.all(`${files.path}*`, (c) => files.serve(c.req.raw));
  app.get("/", async (c) => (playground ? playgroundPage(c, playground) : c.redirect("/docs")));
  addRefusedRoutes(app, options);
  addQuoteRoute(app, options);
  addVideoRoutes(app, options, streams);
  addEventRoutes(app, options, streams);
  addPreviewRoutes(app, options);
  addContentRoutes(app, options);
  addModelRoutes(app, options);
  addKeyRoutes(app, options);
  addAccountRoutes(app, options);
  addUsageRoutes(app, options);
  addAccountDataRoute(app, options);
  addWebhookRoutes(app, options);
  addEdgeKeyRoute(app, options);
  addHealthRoutes(app, options);
  addMetricsRoute(app, options);
  addScaleRoute(app, options);
  addDocsRoutes(app, options);
  const routes = routesOf(app);
  app.notFound(async (c) => {
    const file = playground && (await playgroundFile(c, playground, c.req.path.slice(1)));
    return file ?? unmatched(c, routes);
  });
  return app;
}

/** What has no handler: OPTIONS, a method that its path doesn't know, or a path that nobody knows. */
function unmatched(c: Context<ApiEnv>, routes: readonly Route[]): Response {
  const methods = routes.filter(({ pattern }) => pattern.test(c.req.path)).map(({ method }) => method);
  if (methods.length === 0) return respondWith(c, failureOf(noRoute(c.req.method, c.req.path)));
  const allowed = [...new Set([...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"])].join(
    ", ",
  );
  c.header("allow", allowed);
  if (c.req.method === "OPTIONS") return c.body(null, 204);
  return respondWith(
    c,
    failureOf(
      new MixcacheError(
        "method_not_allowed",
        `${c.req.path.slice(0, 200)} takes ${allowed}, not ${c.req.method}.`,
      ),
    ),
  );
}
