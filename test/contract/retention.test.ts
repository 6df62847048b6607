/** How long files are kept, and what is said and done when that time is over: the whole service with a stub engine. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { VideoObject } from "../../src/schemas/video.ts";
import { tidy } from "../../src/worker/janitor.ts";
import { startTestApi, type TestApi } from "../support/api.ts";

const DAY_SECONDS = 86_400;
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi(undefined, { retentionDays: 10, delivery: "redirect" });
  await api.startWorker();
});
afterAll(() => api.close());

const ask = (route: string, key: string, init: RequestInit = {}) =>
  fetch(`${api.origin}/v1${route}`, {
    redirect: "manual",
    ...init,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...init.headers },
  });

async function made(key: string): Promise<VideoObject> {
  const created = await ask("/videos", key, {
    method: "POST",
    body: JSON.stringify({ prompt: "a red circle" }),
  });
  const { id } = (await created.json()) as VideoObject;
  for (;;) {
    const video = (await (await ask(`/videos/${id}`, key)).json()) as VideoObject;
    if (video.status === "completed") return video;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function accountWith(days: number | null): Promise<string> {
  const { id, key } = await api.account({ unlimited: true });
  const set = await ask(`/accounts/${id}/retention`, api.operatorKey, {
    method: "PUT",
    body: JSON.stringify({ retention_days: days }),
  });
  expect(set.status).toBe(200);
  expect(await set.json()).toMatchObject({ id, retention_days: days });
  return key;
}

const keptSeconds = ({ expires_at, completed_at }: VideoObject) =>
  expires_at === null ? null : expires_at - (completed_at ?? 0);

describe("files are kept", () => {
  it("as long as the server says, unless the account says otherwise; zero is for ever", async () => {
    expect(keptSeconds(await made(await accountWith(null)))).toBe(10 * DAY_SECONDS);
    expect(keptSeconds(await made(await accountWith(3)))).toBe(3 * DAY_SECONDS);
    expect(keptSeconds(await made(await accountWith(0)))).toBeNull();
  });

  it("by nobody's wish but the operator's, for a number of days that makes sense", async () => {
    const { id, key } = await api.account({ unlimited: true });
    const put = (body: object, by = api.operatorKey) =>
      ask(`/accounts/${id}/retention`, by, { method: "PUT", body: JSON.stringify(body) });
    expect((await put({ retention_days: 3 }, key)).status).toBe(403);
    for (const days of [-1, 0.5, 36_501, "3"]) expect((await put({ retention_days: days })).status).toBe(400);
    const nobody = await ask("/accounts/acct_none/retention", api.operatorKey, {
      method: "PUT",
      body: JSON.stringify({ retention_days: 3 }),
    });
    expect(nobody.status).toBe(404);
  });
});

describe("the time after", () => {
  it("links are cut to what is left, then it is 410, the files go, and the video still says what it was", async () => {
    const key = await accountWith(3);
    const { id } = await made(key);
    const content = `/videos/${id}/content`;
    const lives = async () => {
      const answer = await ask(content, key);
      expect(answer.status).toBe(302);
      expect(answer.headers.get("cache-control")).toBe("private, no-store");
      const url = new URL(answer.headers.get("location") ?? "");
      return Number(url.searchParams.get("expires")) - Math.floor(Date.now() / 1000);
    };
    expect(Math.abs((await lives()) - 3600)).toBeLessThan(10);
    api.advance(3 * DAY_SECONDS - 600);
    expect(await lives()).toBeLessThanOrEqual(600);
    expect((await ask(content, key, { method: "HEAD" })).status).toBe(200);
    await tidy({ jobs: api.jobs, store: api.store, log: SILENT });
    expect((await api.store.list(`videos/${id}/`)).objects).toHaveLength(4);

    api.advance(601);
    for (const route of [content, `${content}?variant=thumbnail`, `/videos/${id}/trace`]) {
      const gone = await ask(route, key);
      expect(gone.status).toBe(410);
      expect(await gone.json()).toMatchObject({ error: { code: "video_expired" } });
    }
    await tidy({ jobs: api.jobs, store: api.store, log: SILENT });
    expect((await api.store.list(`videos/${id}/`)).objects).toEqual([]);
    expect(await api.jobs.purgeable(10)).toEqual([]);
    const shown = (await (await ask(`/videos/${id}`, key)).json()) as VideoObject;
    expect(shown).toMatchObject({ status: "completed", error: null });
    expect(shown.expires_at).toBe((shown.completed_at ?? 0) + 3 * DAY_SECONDS);
    expect((await ask(`/videos/${id}`, key, { method: "DELETE" })).status).toBe(200);
  });
});
