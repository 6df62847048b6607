/** Limits of keys hold exactly, whichever process a request comes to; on a real PostgreSQL with two API servers. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/jobs/index.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";

let postgres: Postgres;
let apis: readonly [TestApi, TestApi];

beforeAll(async () => {
  postgres = await startPostgres();
  const url = await postgres.database();
  const open = async () => startTestApi(await openDatabase({ url, connections: 5 }));
  apis = [await open(), await open()];
});
afterAll(async () => {
  for (const api of apis) await api.close();
  await postgres.stop();
});

async function ask(at: TestApi, key: string, path: string, body?: object) {
  const response = await at.app.request(path, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${key}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** A key with limits of an account with unlimited credit, and one without that manages it. */
async function limited(limits: object) {
  const { key: manager } = await apis[0].account({ unlimited: true });
  const { status, body } = await ask(apis[0], manager, "/v1/keys", { name: "limited", ...limits });
  expect(status).toBe(201);
  const { id, secret } = body as { id: string; secret: string };
  return { id, secret, manager };
}

const both = (count: number, work: (at: TestApi, index: number) => Promise<{ status: number }>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(apis[index % 2 === 0 ? 0 : 1], index)));
const counted = (answers: readonly { status: number }[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

describe("requests a minute", () => {
  it("are counted over all processes, and come back one by one", async () => {
    const { secret } = await limited({ requests_per_minute: 30 });
    const answers = await both(80, (at) => ask(at, secret, "/v1/models"));
    // While they were sent, the clock gave one or two back.
    const allowed = counted(answers, 200);
    expect(allowed).toBeGreaterThanOrEqual(30);
    expect(allowed).toBeLessThanOrEqual(33);
    expect(counted(answers, 429)).toBe(80 - allowed);
    for (const api of apis) api.advance(60);
    expect(counted(await both(40, (at) => ask(at, secret, "/v1/models")), 200)).toBeLessThanOrEqual(33);
  });

  it("are told in the headers of the IETF's draft, and a refusal says when to come again", async () => {
    const { secret } = await limited({ requests_per_minute: 2 });
    const first = await ask(apis[0], secret, "/v1/models");
    expect(first.headers.get("ratelimit-policy")).toBe('"key";q=2;w=60');
    expect(first.headers.get("ratelimit")).toBe('"key";r=1;t=30');
    await ask(apis[1], secret, "/v1/models");
    const refused = await ask(apis[0], secret, "/v1/models");
    expect(refused).toMatchObject({ status: 429, body: { error: { code: "rate_limited" } } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(28);
    expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(30);
    expect(refused.headers.get("ratelimit")).toMatch(/^"key";r=0;t=(59|60)$/);
    expect(refused.headers.get("x-should-retry")).toBeNull();
    const free = await ask(apis[0], (await apis[0].account()).key, "/v1/models");
    expect(free.headers.get("ratelimit")).toBeNull();
  });
});

describe("a spend cap", () => {
  const wish = { prompt: "a red circle", num_inference_steps: 10 };
  const price = async (key: string) => {
    const { body } = await ask(apis[0], key, "/v1/videos/quote", wish);
    return Number((body as { max: { amount: string } }).max.amount);
  };

  it("is not passed by a burst, as holds count", async () => {
    const { key } = await apis[0].account({ unlimited: true });
    const amount = (3.5 * (await price(key))).toFixed(6);
    const { secret, id, manager } = await limited({ spend_cap: { amount, period: "day" } });
    const answers = await both(20, (at, seed) => ask(at, secret, "/v1/videos", { ...wish, seed }));
    expect(counted(answers, 200)).toBe(3);
    expect(counted(answers, 429)).toBe(17);
    const refused = await ask(apis[0], secret, "/v1/videos", { ...wish, seed: 99 });
    expect(refused).toMatchObject({ status: 429, body: { error: { code: "spend_cap_reached" } } });
    expect(refused.headers.get("x-should-retry")).toBe("false");
    expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(86_400);
    // Another key of the same account is not concerned; a raised cap counts at once.
    expect((await ask(apis[1], manager, "/v1/videos", wish)).status).toBe(200);
    const raised = await ask(apis[1], manager, `/v1/keys/${id}`, { spend_cap: null });
    expect(raised).toMatchObject({ status: 200, body: { name: "limited", spend_cap: null } });
    expect((await ask(apis[0], secret, "/v1/videos", { ...wish, seed: 99 })).status).toBe(200);
  });

  it("counts what a video cost once it has ended, and a period anew", async () => {
    const { key } = await apis[0].account({ unlimited: true });
    const amount = (1.5 * (await price(key))).toFixed(6);
    const { secret } = await limited({ spend_cap: { amount, period: "month" } });
    const first = await ask(apis[0], secret, "/v1/videos", wish);
    const { id } = first.body as { id: string };
    expect((await ask(apis[0], secret, "/v1/videos", { ...wish, seed: 1 })).status).toBe(429);
    expect((await ask(apis[0], secret, `/v1/videos/${id}/cancel`, {})).status).toBe(200);
    expect((await ask(apis[0], secret, "/v1/videos", { ...wish, seed: 2 })).status).toBe(200);
    expect((await ask(apis[0], secret, "/v1/videos", { ...wish, seed: 3 })).status).toBe(429);
    apis[0].advance(32 * 86_400);
    expect((await ask(apis[0], secret, "/v1/videos", { ...wish, seed: 3 })).status).toBe(200);
    apis[0].advance(-32 * 86_400);
  });
});

describe("a key with limits", () => {
  it("can't get around them by another key, nor by changing itself", async () => {
    const { secret, id } = await limited({ requests_per_minute: 1000 });
    expect((await ask(apis[0], secret, "/v1/keys", { name: "free" })).status).toBe(403);
    const change = await ask(apis[0], secret, `/v1/keys/${id}`, { requests_per_minute: null });
    expect(change).toMatchObject({ status: 403, body: { code: "scope_missing" } });
  });

  it("of another account is the same 404 as one that nobody has", async () => {
    const { id } = await limited({ requests_per_minute: 1000 });
    const { key } = await apis[0].account();
    const theirs = await ask(apis[0], key, `/v1/keys/${id}`, { name: "mine" });
    const nobodys = await ask(apis[0], key, "/v1/keys/key_0", { name: "mine" });
    expect(theirs.status).toBe(404);
    expect(nobodys.status).toBe(404);
  });
});
