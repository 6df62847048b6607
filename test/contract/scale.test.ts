/** The scale number over HTTP: what it says, and to whom. Its arithmetic is in `src/jobs/fleet.test.ts`. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestApi, type TestApi } from "../support/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const ask = (secret?: string) =>
  fetch(`${api.origin}/internal/scale`, { headers: secret ? { authorization: `Bearer ${secret}` } : {} });

describe("GET /internal/scale", () => {
  it("is for the operator, and for no account and nobody without a key", async () => {
    expect((await ask(api.operatorKey)).status).toBe(200);
    for (const secret of [undefined, api.key, "mx_nothing"]) expect((await ask(secret)).status).toBe(401);
  });

  it("has the number as a field of its own, and every term that it is made of", async () => {
    const headers = { authorization: `Bearer ${api.key}`, "content-type": "application/json" };
    const body = JSON.stringify({ prompt: "a red circle" });
    expect((await fetch(`${api.origin}/v1/videos`, { method: "POST", headers, body })).status).toBe(200);
    const response = await ask(api.operatorKey);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({
      desired: 1,
      missing: 1,
      busy: 0,
      idle: 0,
      starting: 0,
      queued: 1,
      startable: 1,
      backlog_gpu_seconds: 60,
      oldest_seconds: expect.any(Number),
      target_wait_seconds: 60,
      max: 10,
    });
    const [row] = await api.database.query<{ known: boolean }>(
      "select most_flops > 0 as known from mixcache.videos",
    );
    expect(row?.known).toBe(true);
  });
});
