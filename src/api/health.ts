/** `/healthz`: the process answers. `/readyz`: it can take work. */

import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { ApiEnv, ApiOptions } from "./context.ts";
import { addOperation } from "./operation.ts";

const Health = z.object({ status: z.literal("ok"), version: z.string() }).openapi("Health");
const Ready = z.object({ ready: z.boolean(), parts: z.record(z.string(), z.string()) }).openapi("Ready");

/** Adds both; they need no key. */
export function addHealthRoutes(app: OpenAPIHono<ApiEnv>, { readiness, version }: ApiOptions): void {
  addOperation(app, {
    method: "get",
    path: "/healthz",
    id: "health",
    summary: "Whether the process answers",
    tag: "Health",
    success: { schema: Health },
    handle: (c) => c.json({ status: "ok", version }),
  });
  addOperation(app, {
    method: "get",
    path: "/readyz",
    id: "ready",
    summary: "Whether it can take work",
    description: "503 with the same body while it can't.",
    tag: "Health",
    success: { schema: Ready },
    handle: async (c) => {
      const { ready, parts } = await readiness();
      c.header("cache-control", "no-store");
      return c.json({ ready, parts }, ready ? 200 : 503);
    },
  });
}
