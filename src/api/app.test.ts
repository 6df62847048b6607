import { describe, expect, it } from "vitest";
import { MixcacheError } from "../errors.ts";
import { createApi } from "./app.ts";
import { accountsOf, stillOptions, TEST_KEY } from "./testing.ts";

const app = createApi(stillOptions());
const AUTH = { authorization: `Bearer ${TEST_KEY}` };

const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  app.request("/v1/videos", { method: "POST", body, headers: { ...AUTH, ...headers } });
const form = (fields: Record<string, string | Blob>) => {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
};

describe("request ids", () => {
  it("are on every answer, also on refusals", async () => {
    for (const path of ["/healthz", "/v1/videos", "/nothing", "/docs", "/openapi.json"])
      expect((await app.request(path)).headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{24}$/);
  });

  it("are the caller's where they are sane", async () => {
    const idFor = async (given: string) =>
      (await app.request("/healthz", { headers: { "x-request-id": given } })).headers.get("x-request-id");
    expect(await idFor("trace-7")).toBe("trace-7");
    expect(await idFor("a b")).toMatch(/^req_/);
    expect(await idFor("x".repeat(129))).toMatch(/^req_/);
  });
});

describe("errors", () => {
  it("have OpenAI's form on its routes", async () => {
    const response = await app.request("/v1/videos");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(await response.json()).toEqual({
      error: {
        message: expect.stringContaining("authorization: Bearer mx_"),
        type: "invalid_request_error",
        param: null,
        code: "invalid_api_key",
      },
    });
  });

  it("are problem details elsewhere, in which OpenAI's clients find theirs", async () => {
    const response = await app.request("/nothing");
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({
      type: "about:blank",
      title: "Not Found",
      status: 404,
      code: "route_unknown",
      request_id: response.headers.get("x-request-id"),
      error: { code: "route_unknown" },
    });
  });

  it("of ours say nothing of their inside, and may be retried", async () => {
    const response = await app.request(`/v1/videos/video_a${"0".repeat(26)}`, { headers: AUTH });
    expect(response.status).toBe(500);
    expect(response.headers.get("x-should-retry")).toBeNull();
    expect(await response.text()).not.toContain("jobs.get");
  });

  it("of the database name neither its host nor its user to a caller", async () => {
    const down = () => Promise.reject(new MixcacheError("database_unavailable", "ada@10.0.0.7 is away."));
    const options = stillOptions();
    const api = createApi({ ...options, jobs: { ...options.jobs, list: down } });
    const response = await api.request("/v1/videos", { headers: AUTH });
    expect(response.status).toBe(503);
    expect(response.headers.get("x-should-retry")).toBeNull();
    const text = await response.text();
    expect(text).toContain("database_unavailable");
    expect(text).not.toContain("10.0.0.7");
  });

  it("name methods that a path has", async () => {
    const response = await app.request("/v1/videos", { method: "PUT" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST, GET, HEAD, OPTIONS");
    expect((await app.request("/v1/videos", { method: "OPTIONS" })).status).toBe(204);
    expect((await app.request("/healthz", { method: "HEAD" })).status).toBe(200);
  });
});

describe("keys", () => {
  it.each(["", "Basic bXg6", "Bearer", "Bearer nonsense", `Bearer ${TEST_KEY} more`])(
    "refuses %j",
    async (authorization) => {
      expect((await app.request("/v1/models", { headers: { authorization } })).status).toBe(401);
    },
  );

  it("need the route's scope", async () => {
    const narrow = createApi({
      ...stillOptions(),
      accounts: accountsOf({ accountId: "acct_1", keyId: "key_1", scopes: ["keys:manage"], limits: {} }),
    });
    const response = await narrow.request("/v1/videos", { headers: AUTH });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: "scope_missing" } });
  });
});

describe("bodies that no video is made of", () => {
  const refusals: [string, BodyInit, Record<string, string>, number, object][] = [
    ["no JSON", "{", {}, 400, { param: "body" }],
    ["nothing", "", {}, 400, { param: "prompt", message: "prompt is missing." }],
    ["an empty prompt", '{"prompt":" "}', {}, 400, { param: "prompt" }],
    ["a typing mistake", '{"prompt":"x","sede":1}', {}, 400, { param: "sede", code: "parameter_unknown" }],
    ["too large a seed", '{"prompt":"x","seed":18446744073709551616}', {}, 400, { param: "seed" }],
    ["a part of a seed", '{"prompt":"x","seed":1.5}', {}, 400, { param: "seed" }],
    ["another model", form({ prompt: "x", model: "sora-2" }), {}, 400, { code: "model_not_found" }],
    ["another size", form({ prompt: "x", size: "1280x720" }), {}, 400, { param: "size" }],
    [
      "a picture",
      form({ prompt: "x", input_reference: new Blob(["png"]) }),
      {},
      400,
      { code: "not_supported" },
    ],
    [
      "a picture's id",
      '{"prompt":"x","input_reference":{"file_id":"f"}}',
      {},
      400,
      { param: "input_reference" },
    ],
    [
      "a form without an end",
      "--x\r\n",
      { "content-type": "multipart/form-data; boundary=x" },
      400,
      { param: "form" },
    ],
    ["a form without a boundary", "x", { "content-type": "multipart/form-data" }, 400, { param: "form" }],
    ["another type", "<xml/>", { "content-type": "text/xml" }, 415, { code: "media_type_unsupported" }],
    ["much", `{"prompt":"${"x".repeat(1 << 20)}"}`, {}, 413, { code: "body_too_large" }],
    [
      "a large picture",
      form({ prompt: "x", input_reference: new Blob(["x".repeat(1 << 21)]) }),
      {},
      400,
      { param: "input_reference" },
    ],
    ["a long prompt", JSON.stringify({ prompt: "x".repeat(4001) }), {}, 400, { param: "prompt" }],
    ["a key that is none", '{"prompt":"x"}', { "idempotency-key": "a b" }, 400, { param: "Idempotency-Key" }],
    [
      "too much metadata",
      JSON.stringify({ prompt: "x", metadata: { a: "x".repeat(513) } }),
      {},
      400,
      { param: "metadata.a" },
    ],
    ["half a character", JSON.stringify({ prompt: "a\ud800" }), {}, 400, { param: "prompt" }],
    [
      "a zero byte in what is not wanted",
      JSON.stringify({ prompt: "x", negative_prompt: "\0" }),
      {},
      400,
      { param: "negative_prompt" },
    ],
    [
      "a zero byte in a key",
      JSON.stringify({ prompt: "x", metadata: { "\0": "a" } }),
      {},
      400,
      { param: "metadata" },
    ],
    ["a seed that is no number", '{"prompt":"x","seed":"abc"}', {}, 400, { param: "seed" }],
    ["bytes that are no UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), {}, 400, { param: "body" }],
    ["a compressed body", "x", { "content-encoding": "gzip" }, 415, { code: "media_type_unsupported" }],
    ["a prompt as a file", form({ prompt: new Blob(["a red circle"]) }), {}, 400, { param: "prompt" }],
    [
      "a length that is none",
      '{"prompt":"x","seconds":true}',
      {},
      400,
      { message: 'seconds can\'t be used: it must be a number of seconds as a string, such as "2".' },
    ],
    [
      "a cache that is none",
      '{"prompt":"x","cache":5}',
      {},
      400,
      { message: "cache can't be used: it must be the name of a policy, or an object with a policy." },
    ],
    ["a cache without a policy", '{"prompt":"x","cache":{}}', {}, 400, { param: "cache.policy" }],
    ["a policy that is no text", '{"prompt":"x","cache":{"policy":5}}', {}, 400, { param: "cache.policy" }],
    [
      "a model that is no text",
      '{"prompt":"x","model":5}',
      {},
      400,
      { message: "model can't be used: it must be a text." },
    ],
    [
      "a key without a name",
      '{"prompt":"x","metadata":{"":"a"}}',
      {},
      400,
      { message: "metadata can't be used: a key of it can't be used: it is empty." },
    ],
    ["a deadline in the past", '{"prompt":"x","deadline_seconds":0}', {}, 400, { param: "deadline_seconds" }],
  ];

  it.each(refusals)("refuses %s", async (_, body, headers, status, error) => {
    const response = await post(body, headers);
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect({ status: response.status, body: await response.json() }).toMatchObject({
      status,
      body: { error },
    });
  });

  it("closes the connection on which the rest of a body still lies", async () => {
    expect((await post("x".repeat((1 << 20) + 1))).headers.get("connection")).toBe("close");
    expect((await post("{")).headers.get("connection")).toBeNull();
  });

  it.each([
    ["POST", "/v1/videos/edits"],
    ["POST", "/v1/videos/extensions"],
    ["POST", "/v1/videos/characters"],
    ["GET", "/v1/videos/characters/c"],
  ])("refuses %s %s by name", async (method, path) => {
    const response = await app.request(path, { method, headers: AUTH });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "not_supported" } });
  });
});

describe("models", () => {
  it("say what they can", async () => {
    const response = await app.request("/v1/models", { headers: AUTH });
    const { data } = (await response.json()) as { data: object[] };
    expect(data).toMatchObject([
      {
        id: "shapes",
        object: "model",
        defaults: { size: "64x64", seconds: "2", num_frames: 16, fps: 8 },
        limits: { sizes: "only 64x64" },
        price: { currency: "USD", unit: "tflop", unit_price: "0.000100" },
      },
    ]);
    expect(await (await app.request("/v1/models/shapes", { headers: AUTH })).json()).toEqual(data[0]);
    const other = await app.request("/v1/models/other", { headers: AUTH });
    expect(other.status).toBe(404);
    expect(await other.json()).toMatchObject({ error: { code: "model_not_found", param: "model" } });
  });
});

describe("health", () => {
  it("is ready, or says what it waits for", async () => {
    expect(await (await app.request("/healthz")).json()).toEqual({ status: "ok", version: "1.2.3" });
    expect((await app.request("/readyz")).status).toBe(200);
    const waiting = createApi({
      ...stillOptions(),
      readiness: async () => ({ ready: false, parts: { engine: "loading" } }),
    });
    const response = await waiting.request("/readyz");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ ready: false, parts: { engine: "loading" } });
  });
});

describe("the OpenAPI document", () => {
  it("is of version 3.1 and has every route", async () => {
    const document = (await (await app.request("/openapi.json")).json()) as {
      openapi: string;
      components: { schemas: object };
      paths: Record<string, Record<string, { operationId: string; responses: object }>>;
    };
    expect(document.openapi).toBe("3.1.0");
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`),
    );
    const served = app.routes
      .filter(
        ({ method, path }) => method !== "ALL" && !/^\/(docs|openapi|favicon|internal\/keys|$)/.test(path),
      )
      .filter(({ path }) => !/(edits|extensions|characters)/.test(path))
      .map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(new Set(documented)).toEqual(new Set(served));
    const names = Object.keys(document.components.schemas);
    for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g))
      expect(names).toContain(name);
    expect(names).toContain("Video");
  });
});
