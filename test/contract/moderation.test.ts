/** What moderation refuses costs nothing and is nowhere: over everything real but the engine. */

import { afterAll, beforeAll, expect, it } from "vitest";
import { readServerConfig } from "../../src/config/index.ts";
import { type Moderated, moderateBy } from "../../src/moderation.ts";
import { loadModeration } from "../../src/service/moderation.ts";
import { startTestApi, type TestApi } from "../support/api.ts";

let api: TestApi;
const asked: Moderated[] = [];

beforeAll(async () => {
  const hook = async (about: Moderated) => {
    asked.push(about);
    if (about.prompt.includes("broken")) throw new Error("the judge is out");
    if (about.kind === "prompt") return { allowed: !about.prompt.includes("forbidden") };
    return { allowed: !about.prompt.includes("ugly"), reason: "what it shows" };
  };
  api = await startTestApi(undefined, { moderate: moderateBy(hook, () => new AbortController().signal) });
  await api.startWorker();
});
afterAll(() => api.close());

async function ask(path: string, key: string, body?: object) {
  const response = await api.app.request(path, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${key}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function ended(key: string, prompt: string, wish: object = {}) {
  const { body } = await ask("/v1/videos", key, { prompt, ...wish });
  for (;;) {
    const video = (await ask(`/v1/videos/${body.id}`, key)).body;
    if (video.status === "completed" || video.status === "failed") return video;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it("a refused prompt makes no video and holds nothing", async () => {
  const { id, key } = await api.account({ credit: 1_000_000n });
  const refused = await ask("/v1/videos", key, { prompt: "something forbidden" });
  expect(refused).toMatchObject({
    status: 400,
    body: { error: { code: "moderation_refused", param: "prompt" } },
  });
  expect(await api.accounts.balance(id)).toMatchObject({ credit: 1_000_000n, held: 0n });
  expect((await ask("/v1/videos", key)).body.data).toEqual([]);
  const failed = await ask("/v1/videos", key, { prompt: "broken" });
  expect(failed).toMatchObject({ status: 503, body: { error: { code: "moderation_failed" } } });
  expect(await api.accounts.balance(id)).toMatchObject({ credit: 1_000_000n, held: 0n });
});

it("refused frames fail the video at the first attempt, unbilled, with nothing stored", async () => {
  const { id, key } = await api.account({ credit: 1_000_000n });
  const video = await ended(key, "something ugly");
  expect(video).toMatchObject({
    status: "failed",
    attempt: 1,
    error: { code: "moderation_refused", message: expect.stringContaining("what it shows") },
    cost: { amount: "0.000000" },
    trace_url: null,
  });
  expect((await api.store.list(`videos/${video.id}/`)).objects).toEqual([]);
  expect(await api.accounts.balance(id)).toMatchObject({ credit: 1_000_000n, held: 0n, revenue: 0n });
});

it("sees the prompt before and the frames after, and lets the rest pass", async () => {
  const { key } = await api.account({ unlimited: true });
  asked.length = 0;
  expect(await ended(key, "a red circle")).toMatchObject({ status: "completed" });
  expect(asked.map(({ kind }) => kind)).toEqual(["prompt", "frames"]);
  const [, frames] = asked;
  expect(frames).toMatchObject({ width: 64, height: 64, count: 16, model: "shapes" });
  expect(frames?.kind === "frames" && frames.data.length).toBe(64 * 64 * 16 * 3);
});

it("no previews are made: the hook would not have seen them", async () => {
  const { key } = await api.account({ unlimited: true });
  const video = await ended(key, "a red circle", { previews: 1 });
  expect(video.status).toBe("completed");
  const stored = (await api.store.list(`videos/${video.id}/`)).objects.map((one) => one.key);
  expect(stored.length).toBeGreaterThan(0);
  expect(stored.filter((name) => name.includes("preview"))).toEqual([]);
});

it("the hook of the documentation is loaded, and a module that can't be one is refused by a sentence", async () => {
  const configured = (file: string) => readServerConfig({ MODERATION: file });
  const moderate = await loadModeration(configured("docs/examples/moderation.mjs"));
  const about = { kind: "prompt", negative_prompt: "", model: "shapes" } as const;
  await moderate?.({ ...about, prompt: "a red circle" });
  await expect(moderate?.({ ...about, prompt: "a picture of a real person" })).rejects.toMatchObject({
    code: "moderation_refused",
  });
  for (const file of ["docs/examples/none.mjs", "rolldown.config.ts"])
    await expect(loadModeration(configured(file))).rejects.toMatchObject({
      code: "invalid_argument",
      field: "MODERATION",
    });
  expect(await loadModeration(readServerConfig({}))).toBeUndefined();
});
