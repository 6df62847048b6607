/** Guarantee: what every version of the API refuses stays here, in the API's words; everything else passes as it came. */

import { beforeEach, describe, expect, it } from "vitest";
import { isProven, PROOF_HEADER, proofKey, proofKeys, prove, readProof } from "../../src/wire/proof.ts";
import { ask, clear, errorOf, knownKey, randomHex, seenBy } from "./asked.ts";
import { SECRET } from "./cells.ts";

beforeEach(clear);

const JSON_TYPE = { "content-type": "application/json" };
const ULID = "01K7Q9P6VQ0Z5W8N3B4C2D1E0F";

/** Sends a JSON body. */
const post = (path: string, key: string, body: unknown, headers: object = {}) =>
  ask(path, { key, method: "POST", headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) });

describe("a create", () => {
  it.each([
    ["no prompt", {}, "prompt"],
    ["an empty prompt", { prompt: " " }, "prompt"],
    ["a zero byte", { prompt: "a\0b" }, "prompt"],
    ["a size that is none", { prompt: "x", size: "large" }, "size"],
    ["seconds that are none", { prompt: "x", seconds: "long" }, "seconds"],
    ["a seed that is too large", { prompt: "x", seed: "18446744073709551616" }, "seed"],
    ["no steps", { prompt: "x", num_inference_steps: 0 }, "num_inference_steps"],
  ])("with %s is refused by its field", async (_, body, param) => {
    const key = await knownKey();
    for (const path of ["/v1/videos", "/v1/videos/quote"]) {
      const response = await post(path, key, body);
      expect(response.headers.get("x-should-retry")).toBe("false");
      expect(await errorOf(response)).toMatchObject({ status: 400, code: "invalid_argument", param });
    }
    expect(await seenBy("a")).toEqual([]);
  });

  it("that is no JSON, or a form that is cut off, is refused", async () => {
    const key = await knownKey();
    const json = await ask("/v1/videos", { key, method: "POST", headers: JSON_TYPE, body: '{"prompt":' });
    expect(await errorOf(json)).toMatchObject({ status: 400, param: "body" });
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    const form = await ask("/v1/videos", { key, method: "POST", headers, body: "--x\r\ncontent-dis" });
    expect(await errorOf(form)).toMatchObject({ status: 400, param: "form" });
    expect(await seenBy("a")).toEqual([]);
  });

  it("passes byte by byte, with a proof of its body", async () => {
    const key = await knownKey();
    const form = new FormData();
    form.set("prompt", "a red circle");
    expect((await ask("/v1/videos", { key, method: "POST", body: form })).status).toBe(200);
    const text = '{ "prompt" : "é",\n "seed": 18446744073709551615 }';
    expect((await ask("/v1/videos", { key, method: "POST", headers: JSON_TYPE, body: text })).status).toBe(
      200,
    );
    const seen = await seenBy("a");
    expect(seen).toMatchObject([{ proven: true }, { proven: true, body: text }]);
    expect(seen[0]?.body).toMatch(/^--\w+\r\n.*\r\n\r\na red circle\r\n--\w+--(\r\n)?$/s);
  });

  it("a remix without a prompt is refused", async () => {
    const key = await knownKey();
    const remix = await post(`/v1/videos/video_a${ULID}/remix`, key, { prompt: 7 });
    expect(await errorOf(remix)).toMatchObject({ status: 400, param: "prompt" });
  });
});

describe("an old edge before a newer API", () => {
  it.each([
    ["fields", { prompt: "x", style: { name: "new" }, loop: true }],
    ["references", { prompt: "x", input_reference: "https://example.com/x.png" }],
    ["models and sizes", { prompt: "x", model: "future", size: "7680x4320", seconds: "600" }],
    ["limits", { prompt: "x".repeat(20_000), fps: 1000, previews: 5000, deadline_seconds: 99_999_999 }],
    [
      "formats and policies",
      { prompt: "x", output_format: "webm", cache: ["new"], webhook_events: ["video.new"] },
    ],
    [
      "metadata",
      { prompt: "x", metadata: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, "v"])) },
    ],
  ])("passes on %s that it doesn't know", async (_, body) => {
    const key = await knownKey();
    expect((await post("/v1/videos", key, body)).status).toBe(200);
    expect(await seenBy("a")).toMatchObject([{ proven: true, body: JSON.stringify(body) }]);
  });

  it.each([
    "/v2/anything",
    "/v1/videos/characters",
    "/v1/videos/batch/7",
    "/v1/models/a%2Fb",
    "/v1/new?x=1&y=%20",
  ])("passes on %s", async (path) => {
    const key = await knownKey();
    expect((await ask(path, { key, method: "PATCH", body: "x" })).status).toBe(200);
    const [seen] = await seenBy("a");
    expect(`${seen?.path}${seen?.query}`).toBe(path);
    expect(seen?.proven).toBe(true);
  });

  it("passes on a body in a type that it can't read", async () => {
    const key = await knownKey();
    const asked = { key, method: "POST", headers: { "content-type": "application/cbor" }, body: "\x01" };
    expect((await ask("/v1/videos", asked)).status).toBe(200);
  });

  it.each([418, 299, 507])("gives back status %s", async (status) => {
    expect((await ask(`/v1/test/status/${status}`, { key: await knownKey() })).status).toBe(status);
  });
});

describe("limits", () => {
  it("a body that says it is too large, and one that never ends, are 413", async () => {
    const key = await knownKey();
    const large = await ask("/v1/videos", {
      key,
      method: "POST",
      headers: JSON_TYPE,
      body: "x".repeat(2 ** 20 + 1),
    });
    expect(await errorOf(large)).toMatchObject({ status: 413, code: "body_too_large" });
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent++;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const response = await ask("/v1/anything", { key, method: "PUT", body: endless });
    expect(await errorOf(response)).toMatchObject({ status: 413, code: "body_too_large" });
    expect(sent).toBeLessThan(30);
    expect(await seenBy("a")).toEqual([]);
  });

  it("an address or headers that are too long are 431", async () => {
    const key = await knownKey();
    for (const response of [
      await ask("/v1/videos", { key, headers: { "x-long": "x".repeat(15_000) } }),
      await ask(`/v1/videos?${"x".repeat(15_000)}`, { key }),
    ])
      expect(await errorOf(response)).toMatchObject({ status: 431, code: "head_too_large" });
    expect(await seenBy("a")).toEqual([]);
  });
});

describe("an id", () => {
  it("of the key's cell passes", async () => {
    const key = await knownKey("b");
    expect((await ask(`/v1/videos/video_b${ULID}`, { key })).status).toBe(200);
    expect(await seenBy("b")).toHaveLength(1);
  });

  it.each([
    `video_a${ULID}`,
    `video_q${ULID}`,
    "video_b",
    `video_b${ULID}x`,
    `video_b${ULID.toLowerCase()}`,
    `video%5Fb${ULID}`,
    "..%2F..%2Finternal%2Fscale",
    "%2e%2e%2f",
    "a%00b",
    "é",
  ])("%s is as one that isn't there", async (id) => {
    const key = await knownKey("b");
    for (const path of [`/v1/videos/${id}`, `/v1/videos/${id}/content`]) {
      const error = await errorOf(await ask(path, { key }));
      expect(error).toMatchObject({ status: 404, code: "video_not_found" });
      expect(error.message).toMatch(/^There is no video .+\. Check the id\.$/);
    }
    for (const cell of ["a", "b"]) expect(await seenBy(cell)).toEqual([]);
  });

  it.each([
    "/internal/scale",
    "/internal/keys/x",
    "//internal/scale",
    "/%69nternal/scale",
    "/x/../internal",
    "/metrics",
    "/INTERNAL/x",
  ])("%s is nobody's at the edge", async (path) => {
    expect(await errorOf(await ask(path, { key: await knownKey() }))).toMatchObject({
      status: 404,
      code: "route_unknown",
    });
    expect(await seenBy("a")).toEqual([]);
  });

  it("a path can't lead to another host", async () => {
    const key = await knownKey();
    for (const path of ["//example.com/v1/videos", "/@example.com/x", "/http://example.com/"])
      expect((await ask(path, { key })).status).toBe(200);
    expect((await seenBy("a")).map(({ path, proven }) => ({ path, proven }))).toEqual([
      { path: "//example.com/v1/videos", proven: true },
      { path: "/@example.com/x", proven: true },
      { path: "/http://example.com/", proven: true },
    ]);
  });
});

describe("what a cell gets", () => {
  it("has a proof of this request, another one for each, with the client's address", async () => {
    const key = await knownKey();
    for (let time = 0; time < 2; time++) await ask("/v1/test/x?a=1", { key, ip: "2001:db8::7" });
    const seen = await seenBy("a");
    expect(seen).toMatchObject([
      { proven: true, ip: "2001:db8::7" },
      { proven: true, ip: "2001:db8::7" },
    ]);
    expect(new Set(seen.map(({ nonce }) => nonce)).size).toBe(2);
  });

  it("has nothing of the client that only the edge, or one connection, may say", async () => {
    const key = await knownKey();
    const forged = {
      [PROOF_HEADER]: "v1 t=1 n=2",
      "mixcache-edge-x": "1",
      connection: "keep-alive, x-dropped",
      "x-dropped": "1",
      "keep-alive": "timeout=5",
      "proxy-authorization": "Basic x",
      te: "trailers",
      "x-forwarded-for": "192.0.2.9",
      "x-forwarded-host": "evil.example",
      forwarded: "for=192.0.2.9",
      "x-real-ip": "192.0.2.9",
      "true-client-ip": "192.0.2.9",
      "idempotency-key": "kept",
      "mixcache-account": "acct_1",
      prefer: "wait=1",
    };
    await ask("/v1/test/x", { key, headers: forged });
    const [seen] = await seenBy("a");
    expect(seen?.proven).toBe(true);
    expect(seen?.headers).toMatchObject({
      "idempotency-key": "kept",
      "mixcache-account": "acct_1",
      prefer: "wait=1",
    });
    const text = JSON.stringify(seen?.headers);
    for (const gone of [
      "192.0.2.9",
      "evil.example",
      "x-dropped",
      "Basic x",
      "mixcache-edge-x",
      "trailers",
      "t=1 n=2",
    ])
      expect(text).not.toContain(gone);
  });

  it("keeps request ids and traces, and has an id where there was none", async () => {
    const key = await knownKey();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const kept = await ask("/v1/test/x", { key, headers: { "x-request-id": "mine-1", traceparent } });
    expect(kept.headers.get("x-request-id")).toBe("mine-1");
    const made = await ask("/v1/test/x", { key, headers: { "x-request-id": "not a sane one" } });
    expect(made.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{24}$/);
    const seen = await seenBy("a");
    expect(seen[0]?.headers).toMatchObject({ "x-request-id": "mine-1", traceparent });
    expect(seen[1]?.headers["x-request-id"]).toBe(made.headers.get("x-request-id"));
  });

  it("is proved by nobody without the secret", async () => {
    const key = await proofKey(randomHex(32));
    const request = { method: "GET", path: "/v1/videos", query: "", cell: "a" };
    const proof = readProof(await prove(key, { ...request, ip: "-" }, new Uint8Array()));
    expect(proof && (await isProven(await proofKeys(SECRET), proof, request))).toBe(false);
  });
});
