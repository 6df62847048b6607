/** Following a video over HTTP: everything is real but the engine. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/jobs/index.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { readStream, type SseEvent, SseReader } from "../support/sse.ts";

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

/** Holds the stub engine before a step until it is let go. */
function gate(atStep: number) {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const beforeStep = async (step: number) => {
    if (step !== atStep) return;
    reached.resolve();
    await opened.promise;
  };
  return { beforeStep, reached: reached.promise, open: opened.resolve };
}

const kept = (events: readonly SseEvent[]) => events.filter(({ id }) => id !== undefined);
const types = (events: readonly SseEvent[]) => kept(events).map(({ type }) => type);

describe.each(["pglite", "postgres"])("following a video, on %s", (kind) => {
  let api: TestApi;
  const LIMITS = { process: 3, account: 2 };
  beforeAll(async () => {
    const database = kind === "postgres" ? { url: await postgres.database() } : "memory";
    api = await startTestApi(await openDatabase(database), { streams: LIMITS });
  });
  afterAll(() => api.close());
  const opened: AbortController[] = [];
  afterEach(() => {
    for (const one of opened.splice(0)) one.abort();
  });

  const request = (path: string, init: RequestInit & { key?: string } = {}) =>
    fetch(`${api.origin}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${init.key ?? api.key}`, ...init.headers },
    });
  const create = async (fields: object = {}, headers: Record<string, string> = {}) => {
    const body = JSON.stringify({ prompt: "a red circle", num_inference_steps: 4, cache: "off", ...fields });
    const response = await request("/v1/videos", { method: "POST", body, headers });
    return { response, video: (await response.json()) as { id: string; status: string } };
  };
  const follow = (id: string, lastEventId?: string | number) => {
    const abort = new AbortController();
    opened.push(abort);
    return request(`/v1/videos/${id}/events`, {
      signal: abort.signal,
      ...(lastEventId !== undefined && { headers: { "last-event-id": `${lastEventId}` } }),
    });
  };
  /** A stream that is read event by event. */
  const open = async (id: string, lastEventId?: number) => {
    const response = await follow(id, lastEventId);
    const reader = new SseReader();
    const bytes = response.body?.getReader();
    const waiting: SseEvent[] = [];
    const next = async (wanted: (event: SseEvent) => boolean): Promise<SseEvent> => {
      for (;;) {
        for (let event = waiting.shift(); event; event = waiting.shift()) if (wanted(event)) return event;
        const chunk = await bytes?.read();
        if (!chunk || chunk.done) throw new Error("The stream has ended.");
        waiting.push(...reader.read(chunk.value));
      }
    };
    return { response, next };
  };
  const ALL = ["video.queued", "video.started", ...Array(4).fill("decision"), "video.completed"];

  it("tells everything from the beginning, in order, as it happens, and ends with the video", async () => {
    const { video } = await create();
    const { response, next } = await open(video.id);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await next(({ type }) => type === "progress")).toMatchObject({
      id: undefined,
      data: { video_id: video.id, status: "queued", progress: 0, queue_position: 0 },
    });
    const held = gate(2);
    await api.startWorker({
      beforeStep: (step, { prompt }) => (prompt === "warm-up" ? undefined : held.beforeStep(step)),
    });
    await held.reached;
    const decision = await next(({ type }) => type === "decision");
    expect(decision).toMatchObject({
      id: "3",
      data: { video_id: video.id, attempt: 1, step: 1, mode: "full", flops: 4e9, full_flops: 4e9, saved: 0 },
    });
    await next(({ type, data }) => type === "progress" && data.step === 2);
    held.open();
    const end = await next(({ type }) => type === "video.completed");
    expect(end.id).toBe("7");
    await expect(next(() => true)).rejects.toThrow("ended");
  });

  it("replays all of it, or what comes after an id, once the video has ended", async () => {
    const { video } = await create({}, { prefer: "wait=60" });
    const { events, reader } = await readStream(await follow(video.id));
    expect(types(events)).toEqual(ALL);
    expect(events.map(({ id }) => id)).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
    expect(reader.retryMs).toBe(1000);
    expect(events[3]?.data).toMatchObject({ step: 2, mode: "step", flops: 1e9, saved: 0.75 });
    const rest = await readStream(await follow(video.id, 5));
    expect(rest.events).toEqual(events.slice(5));
  });

  it("has nothing more to say after the last event: 204, which ends an EventSource", async () => {
    const { video } = await create({}, { prefer: "wait=60" });
    for (const last of [7, 8, 999]) expect((await follow(video.id, last)).status).toBe(204);
  });

  it("refuses an id that is none", async () => {
    const { video } = await create();
    for (const wrong of ["seven", "-1", "1.5", "99999999999"]) {
      const response = await follow(video.id, wrong);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid_argument", field: "last-event-id" });
    }
  });

  it("answers for another account's video, its previews too, as for one that isn't there", async () => {
    const { video } = await create();
    const stranger = await api.account({ unlimited: true });
    const nobody = `video_a${"0".repeat(26)}`;
    const told = async (path: string, key: string) => {
      const response = await request(path, { key });
      const text = await response.text();
      return {
        status: response.status,
        text: text.replaceAll(/video_a\w+|req_\w+|"request_id":"[^"]*"/g, "…"),
      };
    };
    for (const path of ["events", "previews/1"]) {
      const missing = await told(`/v1/videos/${nobody}/${path}`, api.key);
      expect(missing.status).toBe(404);
      expect(missing.text).toContain("video_not_found");
      expect(await told(`/v1/videos/${video.id}/${path}`, stranger.key)).toEqual(missing);
      expect((await request(`/v1/videos/${video.id}/${path}`, { key: "mx_wrong" })).status).toBe(401);
    }
  });

  it("answers HEAD without opening a stream", async () => {
    const { video } = await create({ prompt: "hang" });
    for (let count = 0; count < 5; count++)
      expect((await request(`/v1/videos/${video.id}/events`, { method: "HEAD" })).status).toBe(200);
    await request(`/v1/videos/${video.id}/cancel`, { method: "POST" });
  });

  it("opens as many streams as there may be, and another when a client goes", async () => {
    const { video } = await create({ prompt: "hang" });
    const [first] = [await open(video.id), await open(video.id)];
    await first.next(({ type }) => type === "video.queued");
    const refused = await follow(video.id);
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ code: "streams_full" });
    const unpreferred = await create({ prompt: "hang" }, { prefer: "wait=60" });
    expect(unpreferred.response.headers.get("preference-applied")).toBeNull();
    const other = await api.account({ unlimited: true });
    expect((await request(`/v1/videos/${video.id}/events`, { key: other.key })).status).toBe(404);
    opened.shift()?.abort();
    // The server hears of it when the socket is closed.
    for (let status = 429; status !== 200; ) status = (await follow(video.id)).status;
    for (const { id } of [video, unpreferred.video])
      await request(`/v1/videos/${id}/cancel`, { method: "POST" });
  });

  it("counts an answer that waits as a stream, until its caller goes", async () => {
    const { video } = await create({ prompt: "hang" });
    const waiting = [1, 2].map(() => {
      const abort = new AbortController();
      const headers = { prefer: "wait=60" };
      const answer = request(`/v1/videos/${video.id}`, { headers, signal: abort.signal }).catch(
        () => undefined,
      );
      return { abort, answer };
    });
    for (let status = 200; status !== 429; ) {
      const response = await follow(video.id);
      status = response.status;
      opened.pop()?.abort();
    }
    for (const { abort, answer } of waiting) {
      abort.abort();
      await answer;
    }
    for (let status = 429; status !== 200; ) status = (await follow(video.id)).status;
    await request(`/v1/videos/${video.id}/cancel`, { method: "POST" });
  });

  it("waits for the end where the caller prefers so", async () => {
    const made = await create({}, { prefer: "wait=120" });
    expect(made.response.headers.get("preference-applied")).toBe("wait=60");
    expect(made.video.status).toBe("completed");
    const { video } = await create({ prompt: "hang" });
    const answer = request(`/v1/videos/${video.id}`, { headers: { prefer: "respond-async, wait=60" } });
    await request(`/v1/videos/${video.id}/cancel`, { method: "POST" });
    expect(await (await answer).json()).toMatchObject({ status: "failed", error: { code: "cancelled" } });
  });

  it("makes previews where they are asked for, which go with the video", async () => {
    const { video } = await create({ previews: 2, num_inference_steps: 5 }, { prefer: "wait=60" });
    const { events } = await readStream(await follow(video.id));
    const previews = events.filter(({ type }) => type === "preview");
    expect(previews.map(({ data }) => data.step)).toEqual([2, 4]);
    expect(JSON.stringify(events)).not.toContain('"key"');
    const { id, data } = previews[0] ?? {};
    expect(data?.url).toBe(`/v1/videos/${video.id}/previews/${id}`);
    const picture = await request(String(data?.url));
    expect(picture.status).toBe(200);
    expect(picture.headers.get("content-type")).toBe("image/webp");
    expect(
      Buffer.from(await picture.arrayBuffer())
        .subarray(8, 12)
        .toString(),
    ).toBe("WEBP");
    for (const other of ["1", "99", "0", "x", "-1"])
      expect((await request(`/v1/videos/${video.id}/previews/${other}`)).status).toBe(404);
    await request(`/v1/videos/${video.id}`, { method: "DELETE" });
    expect((await request(String(data?.url))).status).toBe(404);
    expect((await follow(video.id)).status).toBe(404);
    const left = await api.database.query("select 1 from mixcache.events where video_id = $1", [video.id]);
    expect(left).toEqual([]);
  });

  it("makes none where they are not", async () => {
    const { video } = await create({ previews: 0 }, { prefer: "wait=60" });
    expect(types((await readStream(await follow(video.id))).events)).toEqual(ALL);
    expect((await create({ previews: -1 })).response.status).toBe(400);
  });
});
