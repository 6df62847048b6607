/** Metrics on a port of their own, without a key: for a network that only the operator's machines are in. */

import type { ServerConfig } from "../config/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { type HttpServer, startHttpServer } from "./http-server.ts";

/** Undefined where no port is configured. @throws MixcacheError `invalid_argument` where it can't be had */
export async function serveMetrics(
  { metricsPort, host }: ServerConfig,
  metrics: Metrics,
): Promise<HttpServer | undefined> {
  if (metricsPort === undefined) return undefined;
  const server = await startHttpServer({ host, port: metricsPort, random: Math.random });
  server.handle(async (request) => {
    if (new URL(request.url).pathname !== "/metrics") return new Response("See /metrics.\n", { status: 404 });
    return new Response(await metrics.text(), { headers: { "content-type": metrics.contentType } });
  });
  return server;
}
