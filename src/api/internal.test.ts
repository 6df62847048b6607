/** Guarantee: what is under `/internal/` opens for the operator, for INTERNAL_TOKEN and for a proven edge, and for nobody else. */

import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import type { ApiEnv } from "./context.ts";
import { failureOf, respondWith } from "./errors.ts";
import { internalOnly } from "./internal.ts";
import { accountsOf, TEST_KEY } from "./testing.ts";

const TOKEN = "a-token-of-scalers-with-32-characters";
const OPERATOR = "the-operators-own-key-of-32-characters";

function app(fromEdge: boolean) {
  const known = accountsOf({ accountId: "acct_1", keyId: "key_1", scopes: ["videos:read"], limits: {} });
  const accounts = { ...known, isOperator: (secret: string) => secret === OPERATOR };
  const made = new Hono<ApiEnv>();
  made.use(async (c, next) => {
    c.set("fromEdge", fromEdge);
    await next();
  });
  made.onError((error, c) => respondWith(c, failureOf(error)));
  made.get("/internal/x", internalOnly({ accounts, internalToken: TOKEN }), (c) => c.text("open"));
  return made;
}

const statusOf = async (fromEdge: boolean, authorization?: string) =>
  (await app(fromEdge).request("/internal/x", authorization ? { headers: { authorization } } : {})).status;

describe("internalOnly", () => {
  it.each([`Bearer ${TOKEN}x`, `Bearer ${TEST_KEY}`, "Bearer ", TOKEN])("refuses %s", async (given) => {
    expect(await statusOf(false, given)).toBe(401);
  });

  it("refuses who sends nothing", async () => {
    expect(await statusOf(false)).toBe(401);
  });

  it.each([TOKEN, OPERATOR])("lets %s pass", async (secret) => {
    expect(await statusOf(false, `Bearer ${secret}`)).toBe(200);
  });

  it("lets the edge pass", async () => {
    expect(await statusOf(true)).toBe(200);
  });
});
