/** What the API says of money beforehand and afterwards: quotes and usage, over everything real but the engine. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { VideoObject } from "../../src/schemas/video.ts";
import { startTestApi, type TestApi } from "../support/api.ts";

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
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

async function finished(key: string, wish: object): Promise<VideoObject> {
  const { body } = await ask("/v1/videos", key, { prompt: "a red circle", ...wish });
  for (;;) {
    const video = (await ask(`/v1/videos/${body.id}`, key)).body as unknown as VideoObject;
    if (video.status === "completed" || video.status === "failed") return video;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("a quote", () => {
  const wish = { prompt: "x", num_inference_steps: 10, cache: "off" };

  it("says what would be held, and what is expected by videos that are like it; it creates nothing", async () => {
    const { key } = await api.account({ unlimited: true });
    const before = await ask("/v1/videos/quote", key, wish);
    expect(before).toMatchObject({
      status: 200,
      body: { object: "video.quote", model: "shapes", unit: "tflop", basis: { kind: "maximum" } },
    });
    expect(before.body.expected).toEqual(before.body.max);
    expect((await ask("/v1/videos", key)).body.data).toEqual([]);
    await api.startWorker();
    const costs: number[] = [];
    for (const seed of [1, 2, 3]) {
      const video = await finished(key, { ...wish, seed });
      expect(video.cost.maximum).toBe((before.body.max as { amount: string }).amount);
      costs.push(Number(video.cost.amount));
    }
    const after = await ask("/v1/videos/quote", key, wish);
    expect(after.body).toMatchObject({ max: before.body.max, basis: { kind: "recent_videos", videos: 3 } });
    const { amount, units } = after.body.expected as { amount: string; units: string };
    expect(Number(amount)).toBeCloseTo(costs.reduce((sum, cost) => sum + cost, 0) / 3, 5);
    expect(Number(units)).toBeLessThan(Number((after.body.max as { units: string }).units));
  });

  it("goes by what the preset was measured to save while there are no such videos; other options were not measured", async () => {
    const { key } = await api.account();
    const quoted = async (cache: object) =>
      (await ask("/v1/videos/quote", key, { ...wish, cache })).body as Record<string, { amount: string }>;
    const preset = await quoted({ policy: "mixcache", preset: "high" });
    expect(preset.basis).toEqual({ kind: "measured_preset", videos: null, preset: "high" });
    expect(Number(preset.expected?.amount)).toBeCloseTo(Number(preset.max?.amount) / 2, 5);
    const other = await quoted({ policy: "mixcache", preset: "high", trigger: false });
    expect(other.basis).toMatchObject({ kind: "maximum" });
  });

  it("refuses what a create would refuse", async () => {
    const { key } = await api.account();
    const { status, body } = await ask("/v1/videos/quote", key, { ...wish, size: "1x1" });
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { code: "invalid_argument", field: "size" },
    });
  });
});

describe("usage", () => {
  it("adds up what the ledger charged, by day, key and model, for one's own account alone", async () => {
    const { id, key } = await api.account({ unlimited: true });
    const { key: stranger } = await api.account({ unlimited: true });
    const { secret } = await api.accounts.createKey({ accountId: id, name: "second" });
    const made = [await finished(key, {}), await finished(key, { seed: 2 }), await finished(secret, {})];
    await finished(stranger, {});
    const failed = await finished(key, { prompt: "refuse" });
    expect(failed.status).toBe("failed");
    const total = made.reduce((sum, { cost }) => sum + BigInt(String(cost.amount).replace(".", "")), 0n);
    const { body } = await ask("/v1/usage", key);
    const today = new Date().toISOString().slice(0, 10);
    expect(body).toMatchObject({
      object: "usage",
      currency: "USD",
      to: today,
      group_by: ["day"],
      has_more: false,
    });
    const [row] = body.data as { amount: string }[];
    expect(body.data).toHaveLength(1);
    expect(row).toMatchObject({ day: today, key: null, model: null, videos: 4, completed: 3 });
    expect(BigInt(String(row?.amount).replace(".", ""))).toBe(total);
    expect(row?.amount).toBe(
      String((await api.accounts.balance(id)).revenue)
        .padStart(7, "0")
        .replace(/(\d{6})$/, ".$1"),
    );
    const flops = made.reduce((sum, { usage }) => sum + BigInt(usage?.flops ?? 0), 0n);
    expect(row).toMatchObject({ flops: String(flops), video_seconds: "6.000" });
    const keys = await ask("/v1/usage?group_by=key,model", key);
    expect(keys.body.data).toHaveLength(2);
    expect(keys.body.data).toContainEqual(expect.objectContaining({ day: null, model: "shapes", videos: 1 }));
    expect((await ask("/v1/usage?group_by=key&limit=1", key)).body).toMatchObject({ has_more: true });
    expect((await ask(`/v1/usage?to=2020-01-01`, key)).body.data).toEqual([]);
  });

  it.each([
    "from=2026-02-30",
    "from=2026-02-02&to=2026-02-01",
    "from=2020-01-01&to=2026-01-01",
    "group_by=account",
  ])("refuses %s with a sentence", async (query) => {
    const { status, body } = await ask(`/v1/usage?${query}`, (await api.account()).key);
    expect({ status, body }).toMatchObject({ status: 400, body: { code: "invalid_argument" } });
  });

  it("needs its scope", async () => {
    const { id } = await api.account();
    const { secret } = await api.accounts.createKey({ accountId: id, name: "x", scopes: ["videos:read"] });
    expect(await ask("/v1/usage", secret)).toMatchObject({ status: 403 });
  });
});
