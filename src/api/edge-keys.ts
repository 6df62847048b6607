/** `/internal/keys/{hash}`: whether a key is good, for the edge. */

import type { OpenAPIHono } from "@hono/zod-openapi";
import { MixcacheError } from "../errors.ts";
import type { ApiEnv, ApiOptions } from "./context.ts";
import { internalOnly } from "./internal.ts";

/** Adds it to an app. It is no part of the API's document, which is for callers. */
export function addEdgeKeyRoute(app: OpenAPIHono<ApiEnv>, options: ApiOptions): void {
  app.get("/internal/keys/:hash", internalOnly(options), async (c) => {
    const hash = c.req.param("hash");
    if (!/^[0-9a-f]{64}$/.test(hash))
      throw new MixcacheError("key_not_found", "A key is named by its SHA-256 in hexadecimal digits.");
    c.header("cache-control", "no-store");
    return c.json({ known: await options.accounts.knowsKey(hash) });
  });
}
