/** The edge: it routes and refuses, nothing more. A request reaches the one cell that its key names, or none. */

import { type Context, Hono } from "hono";
import { MixcacheError, messageOf } from "../errors.ts";
import { failureOf, rateLimited, refusalOf } from "../wire/failure.ts";
import { sha256Hex } from "../wire/hex.ts";
import { bearerOf, cellOfKey, keyInvalid, keyMissing } from "../wire/key.ts";
import { requestIdOf } from "../wire/request-id.ts";
import { type Bindings, type EdgeConfig, readConfig } from "./bindings.ts";
import { ask, passedBack, unavailable } from "./cell.ts";
import { checkedBody, checkHead, checkVideo } from "./checks.ts";
import { Keys } from "./keys.ts";

interface EdgeEnv {
  Bindings: Bindings;
  Variables: { requestId: string };
}

const LOOK_UP_MS = 5000;
/** The longest that `Prefer: wait` keeps an answer back. */
const WAIT_MS = 60_000;

/** The Worker's handler. */
export function createEdge(): Hono<EdgeEnv> {
  const keys = new Keys();
  let config: Promise<EdgeConfig> | undefined;
  const app = new Hono<EdgeEnv>();
  app.onError((error, c) => {
    // What the configuration or the runtime threw is no caller's fault, nor theirs to read.
    if (!(error instanceof MixcacheError)) console.error(messageOf(error));
    const { status, headers, body } = refusalOf(failureOf(error), c.req.path, c.get("requestId"));
    return new Response(body, { status, headers });
  });
  app.use(async (c, next) => {
    c.set("requestId", requestIdOf(c.req.header("x-request-id"), Math.random));
    await next();
    if (!c.res.headers.has("x-request-id")) c.header("x-request-id", c.get("requestId"));
  });
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.all("*", async (c) => {
    config ??= readConfig(c.env);
    return route(c, await config, keys);
  });
  return app;
}

async function route(c: Context<EdgeEnv>, config: EdgeConfig, keys: Keys): Promise<Response> {
  const { raw } = c.req;
  const { pathname: path, search: query } = new URL(raw.url);
  const ip = c.req.header("cf-connecting-ip") ?? "-";
  checkHead(raw, c.req.path);
  const secret = bearerOf(c.req.header("authorization"));
  if (secret === undefined) throw keyMissing();
  const cell = cellOfKey(secret);
  if (cell === undefined || !config.cells.has(cell)) throw keyInvalid();
  const hash = await sha256Hex(new TextEncoder().encode(secret));
  await keys.check({
    key: `${cell}/${hash}`,
    ip,
    lookUp: () => lookUp(config, cell, hash),
    count: async () => (await c.env.UNKNOWN_KEYS.limit({ key: ip })).success,
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  });
  const { success: isWithinLimit } = await c.env.REQUESTS.limit({ key: hash });
  if (!isWithinLimit) throw rateLimited("Too many requests come with this API key.", 10);
  checkVideo(path, cell);
  const body = await checkedBody(raw, path);
  const headers = new Headers(raw.headers);
  headers.set("x-request-id", c.get("requestId"));
  const patienceMs = config.firstByteMs + (headers.has("prefer") ? WAIT_MS : 0);
  return passedBack(
    await ask(config, { cell, method: raw.method, path, query, headers, body, ip, patienceMs }),
  );
}

/** Whether a cell knows a key. @throws MixcacheError `cell_unavailable` where it doesn't say */
async function lookUp(config: EdgeConfig, cell: string, hash: string): Promise<boolean> {
  const nothing = { query: "", headers: new Headers(), body: new Uint8Array(), ip: "-" };
  const question = {
    cell,
    method: "GET",
    path: `/internal/keys/${hash}`,
    ...nothing,
    patienceMs: LOOK_UP_MS,
  };
  const answer = await ask(config, question);
  const said = (await answer.json().catch(() => undefined)) as { readonly known?: unknown } | undefined;
  if (answer.ok && typeof said?.known === "boolean") return said.known;
  // 403 where its EDGE_SECRET is another one.
  console.error(`Cell ${cell} answers ${answer.status} when it is asked for a key.`);
  throw unavailable(cell);
}
