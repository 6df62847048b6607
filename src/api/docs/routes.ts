/** `/openapi.json` and the page that shows it, `/docs`, which asks nobody but this server for anything. */

import { randomBytes } from "node:crypto";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { Scalar } from "@scalar/hono-api-reference";
import { MixcacheError } from "../../errors.ts";
import type { ApiEnv, ApiOptions } from "../context.ts";
import { docsScript } from "./asset.ts";

const SCRIPT = "/docs/scalar.js";

/** Everything of the page's that would call somebody else, switched off. */
const AT_HOME = {
  withDefaultFonts: false,
  telemetry: false,
  proxyUrl: "",
  hideClientButton: true,
  showDeveloperTools: "never",
  agent: { disabled: true },
  mcp: { disabled: true },
} as const;

/** Adds the document and the page; last, as the document has the routes that were added before. */
export function addDocsRoutes(app: OpenAPIHono<ApiEnv>, { version }: ApiOptions): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "key", {
    type: "http",
    scheme: "bearer",
    description: "An API key, `mx_…`.",
  });
  const document = JSON.stringify(app.getOpenAPI31Document(about(version)));
  app.get("/openapi.json", (c) => c.body(document, 200, { "content-type": "application/json" }));
  app.get("/docs", async (c, next) => {
    const nonce = randomBytes(16).toString("base64");
    c.header("content-security-policy", policyOf(nonce));
    const page = { ...AT_HOME, url: "/openapi.json", cdn: SCRIPT, nonce, pageTitle: "mixcache API" };
    return Scalar<ApiEnv>(page)(c, next);
  });
  // Browsers ask for it unasked.
  app.get("/favicon.ico", (c) => c.body(null, 204));
  app.get(SCRIPT, async (c) => {
    const script = await docsScript();
    if (!script)
      throw new MixcacheError(
        "content_missing",
        "The docs page is not installed: run npm install without --omit=dev, or npm run build. The document itself is at /openapi.json.",
      );
    const headers = {
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, no-cache",
      etag: script.etag,
      vary: "accept-encoding",
    };
    if (c.req.header("if-none-match") === script.etag) return c.body(null, 304, headers);
    const gzip = /\bgzip\b/.test(c.req.header("accept-encoding") ?? "");
    if (!gzip) return c.body(script.bytes, 200, headers);
    return c.body(script.compressed, 200, { ...headers, "content-encoding": "gzip" });
  });
}

/** Even what was overlooked in the page's settings reaches nobody else. */
function policyOf(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function about(version: string) {
  return {
    openapi: "3.1.0",
    info: {
      title: "mixcache",
      version,
      description:
        "Text to video. The routes under `/v1/videos` are OpenAI's Videos API, with additional fields; its clients work " +
        "unmodified. Errors there have OpenAI's form, elsewhere that of RFC 9457.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
  };
}
