/** Metrics: what they count, who may see them, and what they never say. */

import { afterAll, beforeAll, expect, it } from "vitest";
import { Metrics } from "../../src/telemetry/index.ts";
import { startTestApi, type TestApi } from "../support/api.ts";

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const ask = (path: string, key: string, init: RequestInit = {}) =>
  api.app.request(path, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } });
const create = (key: string, body: object) =>
  ask("/v1/videos", key, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
const scrape = async () => (await ask("/metrics", api.operatorKey)).text();
const value = (text: string, line: string) => {
  const found = text.split("\n").find((one) => one.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length));
};

it("need the operator's key", async () => {
  expect((await ask("/metrics", api.key)).status).toBe(403);
  expect((await api.app.request("/metrics")).status).toBe(401);
  const answer = await ask("/metrics", api.operatorKey);
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
});

it("count requests by route, the queue as it stands, what ended and the books", async () => {
  const { id, key } = await api.account({ credit: 5_000_000n });
  const { id: video } = (await (await create(key, { prompt: "a hidden word" })).json()) as { id: string };
  api.advance(90);
  const waiting = await scrape();
  expect(value(waiting, "mixcache_queue_depth")).toBe(1);
  expect(value(waiting, "mixcache_queue_oldest_seconds")).toBeGreaterThanOrEqual(90);
  expect(value(waiting, 'mixcache_ledger_units{book="issued"}')).toBe(5);
  expect(value(waiting, 'mixcache_ledger_units{book="held"}')).toBeGreaterThan(0);
  await ask(`/v1/videos/${video}/cancel`, key, { method: "POST" });
  await api.startWorker();
  const second = (await (await create(key, { prompt: "a hidden word" })).json()) as { id: string };
  let status = "queued";
  while (status !== "completed") {
    ({ status } = (await (await ask(`/v1/videos/${second.id}`, key)).json()) as { status: string });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await ask("/nowhere/at/all", key);
  let text = await scrape();
  // The worker counts just after its transaction.
  while (value(text, 'mixcache_videos_ended_total{outcome="completed"}') === undefined) text = await scrape();
  const route = 'method="POST",route="/v1/videos",status="200"';
  expect(value(text, `mixcache_http_requests_total{${route}}`)).toBe(2);
  expect(text).toContain('route="/v1/videos/:id/cancel"');
  expect(text).toContain('route="unmatched",status="404"');
  expect(value(text, 'mixcache_http_request_duration_seconds_count{method="POST",route="/v1/videos"}')).toBe(
    2,
  );
  expect(value(text, 'mixcache_videos_ended_total{outcome="cancelled"}')).toBe(1);
  expect(value(text, 'mixcache_attempts_total{ending="completed"}')).toBe(1);
  expect(value(text, "mixcache_engine_seconds_count")).toBe(1);
  expect(value(text, "mixcache_cache_speedup_count")).toBe(1);
  expect(value(text, "mixcache_queue_depth")).toBe(0);
  expect(value(text, "mixcache_database_up")).toBe(1);
  for (const secret of [id, video, second.id, "hidden", key.slice(0, 11)]) expect(text).not.toContain(secret);
});

it("say that the database doesn't answer, instead of not answering", async () => {
  const metrics = new Metrics({ totals: () => Promise.reject(new Error("away")), nowMs: () => 0 });
  const text = await metrics.text();
  expect(value(text, "mixcache_database_up")).toBe(0);
  expect(text).toContain("mixcache_queue_depth Nan");
});
