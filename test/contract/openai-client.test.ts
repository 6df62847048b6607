/** The stock `openai` client of npm, unmodified, against the whole service with a stub of the engine. */

import { createHash } from "node:crypto";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { VideoObject } from "../../src/schemas/video.ts";
import { startTestApi, type TestApi } from "../support/api.ts";

let api: TestApi;
let client: OpenAI;

beforeAll(async () => {
  api = await startTestApi();
  client = new OpenAI({ baseURL: `${api.origin}/v1`, apiKey: api.key });
});
afterAll(() => api.close());

/** What the client's types don't know of goes in with a cast, as callers do it. */
const create = (fields: object, by = client) =>
  by.videos.create({ prompt: "a red circle", ...fields } as OpenAI.VideoCreateParams);
const additional = (video: OpenAI.Video) => video as unknown as VideoObject;
const thrown = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  );
  if (!(error instanceof OpenAI.APIError)) throw new Error(`no APIError but ${error}`);
  return error;
};

/** A client that sees what comes back before its retries do. */
function watched(answer: (response: Response, call: number) => Response | Promise<Response>, key = api.key) {
  let calls = 0;
  const by = new OpenAI({
    baseURL: `${api.origin}/v1`,
    apiKey: key,
    // The client also asks `data:` URLs, to find out what its `fetch` can.
    fetch: async (url, init) =>
      String(url).startsWith("data:") ? fetch(url, init) : answer(await fetch(url, init), ++calls),
  });
  return { by, calls: () => calls };
}

describe("a video's whole way", () => {
  it("creates, polls, downloads, lists and deletes", async () => {
    await api.startWorker();
    const created = await create({ seconds: "2", size: "64x64", model: "shapes" });
    expect(created).toMatchObject({ object: "video", model: "shapes", seconds: "2", size: "64x64" });
    let video = created;
    while (video.status === "queued" || video.status === "in_progress") {
      await new Promise((resolve) => setTimeout(resolve, 50));
      video = await client.videos.retrieve(created.id);
    }
    expect(video).toMatchObject({ status: "completed", progress: 100, error: null, prompt: "a red circle" });
    expect(additional(video).usage?.compute_units).toBeGreaterThan(0);
    expect(Number(additional(video).cost.amount)).toBeLessThanOrEqual(Number(additional(video).cost.maximum));
    expect(additional(video).cache).toMatchObject({ policy: "mixcache", options: { preset: "high" } });

    const bytes = Buffer.from(await (await client.videos.downloadContent(video.id)).arrayBuffer());
    expect(bytes.subarray(0, 4).toString()).toBe("RIFF");
    const row = await api.jobs.get((await api.accounts.list({ limit: 1 }))[0]?.id ?? "", video.id);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(row.result?.video.sha256);
    for (const variant of ["thumbnail", "spritesheet"] as const) {
      const response = await client.videos.downloadContent(video.id, { variant });
      expect(response.headers.get("content-type")).toBe("image/webp");
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(0);
    }
    const headers = { authorization: `Bearer ${api.key}` };
    const trace = await fetch(`${api.origin}${additional(video).trace_url}`, { headers });
    expect(trace.status).toBe(200);
    expect(await trace.json()).toHaveProperty("format");

    expect((await client.videos.list()).data.map(({ id }) => id)).toEqual([video.id]);
    expect(await client.videos.delete(video.id)).toEqual({
      id: video.id,
      object: "video.deleted",
      deleted: true,
    });
    expect(await thrown(client.videos.retrieve(video.id))).toBeInstanceOf(OpenAI.NotFoundError);
    expect((await client.videos.list()).data).toEqual([]);
  });

  it("serves parts of a file, HEAD and what has not changed", async () => {
    const { id } = await create({});
    const url = `${api.origin}/v1/videos/${id}/content`;
    const authorization = `Bearer ${api.key}`;
    while ((await client.videos.retrieve(id)).status !== "completed")
      await new Promise((resolve) => setTimeout(resolve, 50));
    const whole = await fetch(url, { headers: { authorization } });
    const bytes = Buffer.from(await whole.arrayBuffer());
    const part = await fetch(url, { headers: { authorization, range: "bytes=4-7" } });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(4, 8));
    const head = await fetch(url, { method: "HEAD", headers: { authorization } });
    expect(head.headers.get("content-length")).toBe(String(bytes.length));
    const etag = whole.headers.get("etag") ?? "";
    expect((await fetch(url, { headers: { authorization, "if-none-match": etag } })).status).toBe(304);
    const outside = await fetch(url, { headers: { authorization, range: `bytes=${bytes.length}-` } });
    expect(outside.status).toBe(416);
    expect(outside.headers.get("content-range")).toBe(`bytes */${bytes.length}`);
    expect(await outside.json()).toMatchObject({ error: { code: "range_not_satisfiable" } });
  });
});

describe("a remix", () => {
  it("has the settings and the seed of its source, and another prompt", async () => {
    const source = await create({ seed: 7, num_inference_steps: 12, metadata: { shot: "1" }, cache: "off" });
    const remix = await client.videos.remix(source.id, { prompt: "a blue square" });
    expect(remix).toMatchObject({
      status: "queued",
      prompt: "a blue square",
      remixed_from_video_id: source.id,
      seconds: source.seconds,
      size: source.size,
    });
    const told = ["seed", "num_inference_steps", "metadata", "cache", "num_frames", "fps"] as const;
    for (const field of told) expect(additional(remix)[field]).toEqual(additional(source)[field]);
    expect(await client.videos.retrieve(remix.id)).toMatchObject({ remixed_from_video_id: source.id });
    expect(source.remixed_from_video_id).toBeNull();
  });

  it("is one video for one Idempotency-Key, and no other than that", async () => {
    const source = await create({});
    const headers = { "idempotency-key": "remix-1" };
    const first = await client.videos.remix(source.id, { prompt: "x" }, { headers });
    expect((await client.videos.remix(source.id, { prompt: "x" }, { headers })).id).toBe(first.id);
    const other = client.videos.remix((await create({})).id, { prompt: "x" }, { headers });
    expect(await thrown(other)).toMatchObject({ status: 422, code: "idempotency_conflict" });
  });

  it("of a video that is not there, or another account's, is a 404", async () => {
    const { key } = await api.account({ unlimited: true });
    const stranger = new OpenAI({ baseURL: `${api.origin}/v1`, apiKey: key });
    const { id } = await create({});
    for (const [by, of] of [
      [stranger, id],
      [client, "video_1"],
    ] as const)
      expect(await thrown(by.videos.remix(of, { prompt: "x" }))).toMatchObject({ status: 404 });
  });
});

describe("errors", () => {
  it("come as the client's own classes, with the request id", async () => {
    const error = await thrown(create({ size: "1280x720" }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ param: "size", code: "invalid_argument", type: "invalid_request_error" });
    expect(error.message).toContain("only 64x64");
    expect(error.requestID).toMatch(/^req_/);
    const stranger = new OpenAI({ baseURL: `${api.origin}/v1`, apiKey: "mx_wrong" });
    expect(await thrown(stranger.videos.list())).toBeInstanceOf(OpenAI.AuthenticationError);
  });

  it("refuse by name what there is not", async () => {
    const picture = new File(["png"], "a.png", { type: "image/png" });
    for (const work of [
      () => create({ input_reference: picture }),
      () => client.videos.edit({ prompt: "x", video: picture }),
      () => client.videos.extend({ prompt: "x", seconds: "4", video: picture }),
      () => client.videos.createCharacter({ name: "x", video: picture }),
      () => client.videos.getCharacter("x"),
    ])
      expect(await thrown(work())).toMatchObject({ status: 400, code: "not_supported" });
  });

  it("are not tried again where that can't help", async () => {
    const { key } = await api.account({ unlimited: true });
    const { by, calls } = watched((response) => response, key);
    const waiting = await create({ prompt: "hang" }, by);
    const before = calls();
    // By its status alone the client would try this one three times.
    expect(await thrown(by.videos.delete(waiting.id))).toMatchObject({ status: 409, code: "video_live" });
    expect(calls()).toBe(before + 1);
    await by.post(`/videos/${waiting.id}/cancel`);
  });
});

describe("a lost response", () => {
  it("is retried without a key and gives the same video", async () => {
    const { id: accountId, key } = await api.account({ unlimited: true });
    const { by, calls } = watched((response, call) => {
      // The server did its work; the client never hears of it.
      if (call <= 2) throw new TypeError("the connection was reset");
      return response;
    }, key);
    const video = await create({ seed: 7 }, by);
    expect(calls()).toBe(3);
    const page = await api.jobs.list({ accountId, limit: 10, order: "desc" });
    expect(page.videos.map(({ id }) => id)).toEqual([video.id]);
  });

  it("gives the same video where no seed was asked for", async () => {
    const { id: accountId, key } = await api.account({ unlimited: true });
    const { by } = watched((response, call) => {
      if (call === 1) throw new TypeError("the connection was reset");
      return response;
    }, key);
    await create({}, by);
    expect((await api.jobs.list({ accountId, limit: 10, order: "desc" })).videos).toHaveLength(1);
  });

  it("is another video when somebody asks anew, or much later", async () => {
    const { id: accountId, key } = await api.account({ unlimited: true });
    const { by } = watched((response) => response, key);
    await create({}, by);
    await create({}, by);
    api.advance(61);
    await by.post("/videos", {
      body: { prompt: "a red circle" },
      headers: { "x-stainless-retry-count": "1" },
    });
    expect((await api.jobs.list({ accountId, limit: 10, order: "desc" })).videos).toHaveLength(3);
  });
});

describe("lists", () => {
  it("go from page to page by themselves", async () => {
    const { key } = await api.account({ unlimited: true });
    const by = new OpenAI({ baseURL: `${api.origin}/v1`, apiKey: key });
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await create({ seed: i }, by)).id);
    const seen = async (query: OpenAI.VideoListParams) => {
      const found: string[] = [];
      for await (const video of by.videos.list(query)) found.push(video.id);
      return found;
    };
    expect(await seen({ limit: 2 })).toEqual([...ids].reverse());
    expect(await seen({ limit: 2, order: "asc" })).toEqual(ids);
    expect(await seen({ limit: 2, order: "asc", after: ids[1] ?? "" })).toEqual(ids.slice(2));
    const page = await by.videos.list({ limit: 2 });
    expect(page).toMatchObject({ has_more: true, last_id: ids[3] });
    expect(await thrown(by.get("/videos?limit=0"))).toMatchObject({ status: 400, param: "limit" });
  });
});
