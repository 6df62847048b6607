/** Guarantee: a request whose key is not good reaches no public route of a cell, and a key is looked up once a minute. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ask, clear, errorOf, hashOf, knownKey, lookUps, revoke, seenBy, someKey } from "./asked.ts";
import { MOST_REQUESTS, MOST_UNKNOWN } from "./cells.ts";

beforeEach(clear);
afterEach(() => void vi.useRealTimers());

const INVALID = { status: 401, code: "invalid_api_key" };

describe("a key", () => {
  it("that its cell knows opens its cell", async () => {
    const key = await knownKey("b");
    expect((await ask("/v1/test/x", { key })).status).toBe(200);
    expect(await seenBy("b")).toMatchObject([{ path: "/v1/test/x", proven: true }]);
    expect(await seenBy("a")).toEqual([]);
  });

  const good = someKey("a");
  it.each([
    ["none", {}],
    ["an empty one", { authorization: "Bearer " }],
    ["another scheme", { authorization: `Basic ${good}` }],
    ["two", { authorization: `Bearer ${good}, Bearer ${good}` }],
    ["two in one", { authorization: `Bearer ${good},${good}` }],
    ["another's form", { authorization: "Bearer sk-1234567890" }],
    ["a mistyped one", { authorization: `Bearer ${good.slice(0, -1)}` }],
    ["one of a cell that isn't", { authorization: `Bearer ${someKey("q")}` }],
    ["one in another header", { "x-api-key": good }],
  ])("is refused without asking a cell: %s", async (_, headers) => {
    expect(await errorOf(await ask("/v1/videos", { headers }))).toMatchObject(INVALID);
    for (const cell of ["a", "b"]) expect(await lookUps(cell)).toEqual([]);
  });

  it("is one whatever the case of the header and its scheme", async () => {
    const key = await knownKey();
    for (const headers of [{ AUTHORIZATION: `bearer ${key}` }, { Authorization: `BEARER  ${key}` }])
      expect((await ask("/v1/test/x", { headers })).status).toBe(200);
  });

  it("of the time before keys named cells is one of cell a", async () => {
    const key = "mx_aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydps7bhv";
    expect(await errorOf(await ask("/v1/videos", { key }))).toMatchObject(INVALID);
    expect(await lookUps("a")).toEqual([await hashOf(key)]);
  });
});

describe("looking up", () => {
  it("happens once for many requests at once, and once a minute", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const key = await knownKey();
    const many = await Promise.all(Array.from({ length: 10 }, () => ask("/v1/test/x", { key })));
    expect(many.map(({ status }) => status)).toEqual(Array(10).fill(200));
    vi.advanceTimersByTime(59_000);
    await ask("/v1/test/x", { key });
    expect(await lookUps("a")).toEqual([await hashOf(key)]);
    vi.advanceTimersByTime(2000);
    await ask("/v1/test/x", { key });
    expect(await lookUps("a")).toHaveLength(2);
  });

  it("is remembered for unknown keys too", async () => {
    const key = someKey("a");
    for (let time = 0; time < 5; time++)
      expect(await errorOf(await ask("/v1/videos", { key, ip: "192.0.2.7" }))).toMatchObject(INVALID);
    expect(await lookUps("a")).toHaveLength(1);
    expect(await seenBy("a")).toEqual([]);
  });

  it("finds a revoked key out within 120 seconds", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const key = await knownKey();
    expect((await ask("/v1/test/x", { key })).status).toBe(200);
    await revoke("a", key);
    vi.advanceTimersByTime(120_000);
    expect(await errorOf(await ask("/v1/test/x", { key }))).toMatchObject(INVALID);
  });

  it("ends for an address that sends too many unknown keys; known ones go on", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const ip = "192.0.2.1";
    const [known, late] = [await knownKey(), await knownKey()];
    expect((await ask("/v1/test/x", { key: known, ip })).status).toBe(200);
    for (let count = 0; count <= MOST_UNKNOWN; count++)
      expect((await ask("/v1/test/x", { key: someKey("a"), ip })).status).toBe(401);
    const refused = await ask("/v1/test/x", { key: someKey("a"), ip });
    expect(refused.headers.get("retry-after")).toBe("60");
    expect(await errorOf(refused)).toMatchObject({ status: 429, code: "rate_limited" });
    expect(await lookUps("a")).toHaveLength(MOST_UNKNOWN + 2);
    expect((await ask("/v1/test/x", { key: known, ip })).status).toBe(200);
    expect((await ask("/v1/test/x", { key: late, ip: "192.0.2.2" })).status).toBe(200);
    vi.advanceTimersByTime(61_000);
    expect((await ask("/v1/test/x", { key: known, ip })).status).toBe(200);
  });

  it("of a cell that is down is 503, and of the next one isn't", async () => {
    const response = await ask("/v1/videos", { key: someKey("z") });
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await errorOf(response)).toMatchObject({ status: 503, code: "cell_unavailable" });
    expect((await ask("/v1/test/x", { key: await knownKey("b") })).status).toBe(200);
  });
});

it("a key that sends too many requests is stopped, in the API's form", async () => {
  const key = await knownKey();
  const statuses: number[] = [];
  for (let count = 0; count <= MOST_REQUESTS; count++)
    statuses.push((await ask("/v1/test/x", { key })).status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(MOST_REQUESTS);
  const refused = await ask("/v1/videos", { key });
  expect(refused.headers.get("retry-after")).toBe("10");
  expect(await errorOf(refused)).toMatchObject({ status: 429, code: "rate_limited" });
  expect((await ask("/v1/test/x", { key: await knownKey() })).status).toBe(200);
});
