/** The API's promises about videos, keys and money, over everything real but the engine. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { VideoObject } from "../../src/schemas/video.ts";
import { startTestApi, type TestApi } from "../support/api.ts";

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi(undefined, { maxQueued: 10, maxRunning: 5 });
});
afterAll(() => api.close());

interface Ask {
  readonly key?: string;
  readonly method?: string;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

async function ask(path: string, { key = api.key, method = "GET", body, headers }: Ask = {}) {
  const response = await api.app.request(path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const create = async (body: object = {}, more: Ask = {}) => {
  const answer = await ask("/v1/videos", {
    method: "POST",
    body: { prompt: "a red circle", ...body },
    ...more,
  });
  return { ...answer, video: answer.body as VideoObject };
};

describe("what a new video says", () => {
  it("has OpenAI's fields and ours", async () => {
    const { status, video } = await create({
      seed: "18446744073709551615",
      metadata: { shot: "7" },
      deadline_seconds: 600,
      cache: { policy: "mixcache", speed: 2 },
    });
    expect(status).toBe(200);
    expect(video).toMatchObject({
      object: "video",
      status: "queued",
      progress: 0,
      completed_at: null,
      started_at: null,
      error: null,
      prompt: "a red circle",
      remixed_from_video_id: null,
      seconds: "2",
      size: "64x64",
      seed: "18446744073709551615",
      metadata: { shot: "7" },
      queue_position: expect.any(Number),
      usage: null,
      cost: { currency: "USD", amount: null, unit: "tflop" },
      cache: { policy: "mixcache", options: { speed: 2 }, speedup: null },
      trace_url: null,
    });
    expect(video.deadline_at).toBe(video.created_at + 600);
    expect(Number(video.cost.maximum)).toBeGreaterThan(0);
  });

  it("keeps all digits of a seed that came as a number, from JSON and from a form", async () => {
    const json = await api.app.request("/v1/videos", {
      method: "POST",
      headers: { authorization: `Bearer ${api.key}`, "content-type": "application/json" },
      body: '{"prompt":"x","seed":18446744073709551615}',
    });
    expect(await json.json()).toMatchObject({ seed: "18446744073709551615" });
    const body = new FormData();
    body.append("prompt", "x");
    body.append("seed", "12345678901234567890");
    const headers = { authorization: `Bearer ${api.key}` };
    const form = await api.app.request("/v1/videos", { method: "POST", headers, body });
    expect(await form.json()).toMatchObject({ seed: "12345678901234567890" });
  });
});

describe("Idempotency-Key", () => {
  const headers = { "idempotency-key": "order-1" };

  it("gives the same video for the same wish, however it is encoded, for 24 hours", async () => {
    const first = await create({ num_inference_steps: 20 }, { headers });
    const again = await create({ num_inference_steps: 20 }, { headers });
    expect(again.video.id).toBe(first.video.id);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    const body = new FormData();
    body.append("num_inference_steps", "20");
    body.append("prompt", "a red circle");
    const auth = { ...headers, authorization: `Bearer ${api.key}` };
    const form = await api.app.request("/v1/videos", { method: "POST", headers: auth, body });
    expect(await form.json()).toMatchObject({ id: first.video.id });
    const other = await create({ num_inference_steps: 21 }, { headers });
    expect(other).toMatchObject({ status: 422, body: { error: { code: "idempotency_conflict" } } });
    expect(other.headers.get("x-should-retry")).toBe("false");
    api.advance(24 * 3600 + 1);
    expect((await create({ num_inference_steps: 20 }, { headers })).video.id).not.toBe(first.video.id);
  });

  it("belongs to its account", async () => {
    const { key } = await api.account({ unlimited: true });
    const mine = await create({}, { headers: { "idempotency-key": "shared" } });
    const theirs = await create({}, { key, headers: { "idempotency-key": "shared" } });
    expect(theirs.video.id).not.toBe(mine.video.id);
  });
});

describe("ids of others", () => {
  it("are the same 404 as ids that nobody has, on every route", async () => {
    const { video } = await create();
    const { key } = await api.account();
    const unknown = `${video.id.slice(0, -4)}0000`;
    const routes: [string, string][] = [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/cancel"],
      ["GET", "/content"],
      ["GET", "/trace"],
    ];
    for (const [method, rest] of routes) {
      const answers = [];
      for (const id of [video.id, unknown, "nonsense"]) {
        const { status, headers, body } = await ask(`/v1/videos/${id}${rest}`, { key, method });
        headers.delete("x-request-id");
        const text = JSON.stringify(body)
          .replaceAll(id, "ID")
          .replace(/req_\w+/, "");
        answers.push({ status, headers: [...headers], text });
      }
      expect(answers[0]?.status).toBe(404);
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]).toEqual(answers[2]);
    }
    expect(await ask(`/v1/videos?after=${video.id}`, { key })).toMatchObject({ status: 404 });
  });
});

describe("cancel and delete", () => {
  it("a cancelled video has failed with the code cancelled, and cost nothing before its start", async () => {
    const { video } = await create();
    expect(await ask(`/v1/videos/${video.id}`, { method: "DELETE" })).toMatchObject({
      status: 409,
      body: { error: { code: "video_live" } },
    });
    const content = await ask(`/v1/videos/${video.id}/content`);
    expect(content).toMatchObject({ status: 409, body: { error: { code: "video_not_ready" } } });
    expect(content.headers.get("x-should-retry")).toBe("false");
    const cancelled = await ask(`/v1/videos/${video.id}/cancel`, { method: "POST" });
    expect(cancelled).toMatchObject({
      status: 200,
      body: { status: "failed", error: { code: "cancelled" }, cost: { amount: "0.000000" } },
    });
    expect(await ask(`/v1/videos/${video.id}/content`)).toMatchObject({ status: 404 });
    expect(await ask(`/v1/videos/${video.id}`, { method: "DELETE" })).toMatchObject({ status: 200 });
    expect(await ask(`/v1/videos/${video.id}`)).toMatchObject({ status: 404 });
  });
});

describe("money and limits", () => {
  it("402 when credit is short, and the balance shows what is held", async () => {
    const { id, key } = await api.account();
    expect(await create({}, { key })).toMatchObject({
      status: 402,
      body: { error: { code: "credit_insufficient" } },
    });
    const operator = { key: api.operatorKey, method: "POST" };
    const body = { amount: "1.50", reference: "invoice 1" };
    expect(await ask(`/v1/accounts/${id}/credit`, { ...operator, body })).toMatchObject({
      status: 200,
      body: { balance: { credit: "1.500000", held: "0.000000", spent: "0.000000" } },
    });
    expect(await ask(`/v1/accounts/${id}/credit`, { ...operator, body })).toMatchObject({ status: 409 });
    const { video } = await create({}, { key });
    const { balance } = (await ask("/v1/account", { key })).body as { balance: { held: string } };
    expect(balance.held).toBe(video.cost.maximum);
  });

  it("429 when too many of the account's videos wait", async () => {
    const { key } = await api.account({ unlimited: true, maxQueued: 1 });
    await create({}, { key });
    expect(await create({}, { key })).toMatchObject({ status: 429, body: { error: { code: "queue_full" } } });
  });
});

describe("keys", () => {
  it("are made, listed and revoked, and shown once", async () => {
    const { key } = await api.account({ unlimited: true });
    const body = { name: "ci", scopes: ["videos:read", "keys:manage"] };
    const made = await ask("/v1/keys", { key, method: "POST", body });
    const { id, secret } = made.body as { id: string; secret: string };
    expect(made.status).toBe(201);
    expect((await ask("/v1/models", { key: secret })).status).toBe(200);
    expect(await create({}, { key: secret })).toMatchObject({ status: 403 });
    const list = await ask("/v1/keys", { key });
    expect(JSON.stringify(list.body)).not.toContain(secret);
    expect(list.body).toMatchObject({ data: [{ name: "test" }, { id, name: "ci", revoked_at: null }] });
    const wider = { key: secret, method: "POST", body: { name: "x", scopes: ["videos:write"] } };
    expect(await ask("/v1/keys", wider)).toMatchObject({ status: 403, body: { code: "scope_missing" } });
    const { key: stranger } = await api.account();
    expect(await ask(`/v1/keys/${id}`, { key: stranger, method: "DELETE" })).toMatchObject({ status: 404 });
    expect(await ask(`/v1/keys/${id}`, { key, method: "DELETE" })).toMatchObject({ status: 200 });
    expect((await ask("/v1/models", { key: secret })).status).toBe(401);
  });
});

describe("the operator", () => {
  it("makes accounts, speaks for them, and has none", async () => {
    const key = api.operatorKey;
    const made = await ask("/v1/accounts", { key, method: "POST", body: { name: "Ada", unlimited: true } });
    const { id } = made.body as { id: string };
    expect(made).toMatchObject({ status: 201, body: { name: "Ada", unlimited: true } });
    expect(await ask("/v1/videos", { key })).toMatchObject({ status: 403 });
    const headers = { "mixcache-account": id };
    const { video } = await create({}, { key, headers });
    expect(await ask("/v1/videos", { key, headers })).toMatchObject({ body: { data: [{ id: video.id }] } });
    const nobody = { "mixcache-account": "acct_0" };
    expect(await ask("/v1/videos", { key, headers: nobody })).toMatchObject({ status: 404 });
    expect(await ask("/v1/accounts", { key })).toMatchObject({ status: 200 });
    expect(await ask("/v1/accounts")).toMatchObject({ status: 403, body: { code: "scope_missing" } });
    expect(await ask(`/v1/accounts/${id}`, { key: (await api.account()).key })).toMatchObject({
      status: 403,
    });
  });
});

describe("what no database can keep", () => {
  it("is refused by the field's name, and an id with it is nobody's", async () => {
    const operator = { key: api.operatorKey };
    const { id } = await api.account();
    const post = (path: string, body: object) => ask(path, { method: "POST", body, ...operator });
    expect(await post("/v1/accounts", { name: "\0" })).toMatchObject({
      status: 400,
      body: { field: "name" },
    });
    const credit = { amount: "1", reference: "a\ud800" };
    expect(await post(`/v1/accounts/${id}/credit`, credit)).toMatchObject({
      status: 400,
      body: { field: "reference" },
    });
    expect(await ask("/v1/keys?after=%00")).toMatchObject({ status: 400, body: { field: "after" } });
    expect(await ask("/v1/keys/%00", { method: "DELETE" })).toMatchObject({ status: 404 });
    expect(await ask("/v1/accounts/%00", operator)).toMatchObject({ status: 404 });
  });
});

describe("an account's limits", () => {
  it("are none where null says so, and the server's where nothing is said", async () => {
    const make = (limits: object) =>
      ask("/v1/accounts", { method: "POST", key: api.operatorKey, body: { name: "limits", ...limits } });
    const limited = { max_queued: 3, max_running: 2 };
    expect((await make(limited)).body).toMatchObject(limited);
    const none = { max_queued: null, max_running: null };
    expect((await make(none)).body).toMatchObject(none);
    expect((await make({})).body).toMatchObject({ max_queued: 10, max_running: 5 });
  });
});
