/** `/` and its files: the playground, as `npm run build:playground` built it. It asks nobody but this server and its store. */

import type { Context } from "hono";
import { MixcacheError } from "../../errors.ts";
import type { ApiEnv, ApiOptions } from "../context.ts";
import { pageFile } from "./files.ts";

/** The built page. */
export type Playground = NonNullable<ApiOptions["playground"]>;

const INDEX = "index.html";
/** Vite names what lies here by its digest. */
const HASHED = /^assets\//;
const A_YEAR = "public, max-age=31536000, immutable";

/** Answers `/`. @throws MixcacheError `content_missing` where the page is not built */
export async function playgroundPage(c: Context<ApiEnv>, playground: Playground): Promise<Response> {
  const page = await playgroundFile(c, playground, INDEX);
  if (page) return page;
  throw new MixcacheError(
    "content_missing",
    "The playground is not built: run npm run build:playground, or npm start, which does it. The API's documentation is at /docs.",
  );
}

/** Answers GET and HEAD of a file of the page; undefined where it has none of that name. */
export async function playgroundFile(
  c: Context<ApiEnv>,
  playground: Playground,
  name: string,
): Promise<Response | undefined> {
  const { method } = c.req;
  if (method !== "GET" && method !== "HEAD") return undefined;
  const file = await pageFile(playground.folder, name, c.req.header("accept-encoding") ?? "");
  if (!file) return undefined;
  for (const [header, value] of Object.entries(guardsOf(playground))) c.header(header, value);
  c.header("cache-control", HASHED.test(name) ? A_YEAR : "no-cache");
  c.header("etag", file.etag);
  if (file.varies) c.header("vary", "accept-encoding");
  if (isKnown(c.req.header("if-none-match"), file.etag)) return c.body(null, 304);
  c.header("content-type", file.type);
  c.header("content-length", String(file.bytes));
  if (file.encoding) c.header("content-encoding", file.encoding);
  return method === "HEAD" ? c.body(null) : c.body(file.body());
}

/** Proxies that compress make strong validators weak. */
function isKnown(given: string | undefined, etag: string): boolean {
  return (given ?? "").split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
}

/**
 * What the browser must refuse to the page. Workers have their own headers, so every file has them.
 *
 * Isolation gives wasm its threads. `credentialless` and not `require-corp`: buckets don't say that others may embed what
 * they have.
 */
function guardsOf({ mediaOrigin }: Playground): Readonly<Record<string, string>> {
  const store = mediaOrigin === undefined ? "" : ` ${mediaOrigin}`;
  const policy = [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    `img-src 'self' blob: data:${store}`,
    `media-src 'self' blob: data:${store}`,
    `connect-src 'self'${store}`,
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "credentialless",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}
