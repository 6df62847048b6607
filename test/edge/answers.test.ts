/** Guarantee: answers come through as the cell gives them, as it gives them; a cell that doesn't answer is a 503. */

import { beforeEach, describe, expect, it } from "vitest";
import { ask, clear, errorOf, knownKey } from "./asked.ts";
import { FIRST_BYTE_SECONDS } from "./cells.ts";

beforeEach(clear);

describe("a cell", () => {
  it("that hangs is 503 after its time, and the others notice nothing", async () => {
    const started = Date.now();
    const hanging = ask("/v1/test/hang", { key: await knownKey("a") });
    expect((await ask("/v1/test/x", { key: await knownKey("b") })).status).toBe(200);
    const response = await hanging;
    expect(Date.now() - started).toBeGreaterThan(FIRST_BYTE_SECONDS * 900);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await errorOf(response)).toMatchObject({ status: 503, code: "cell_unavailable" });
  });

  it.each([502, 504, 521, 530])("behind a balancer that says %s is 503 in the API's form", async (status) => {
    const response = await ask(`/v1/test/bare/${status}`, { key: await knownKey() });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(await errorOf(response)).toMatchObject({ status: 503, code: "cell_unavailable" });
  });

  it("that is full says so itself, with a time to come again", async () => {
    const response = await ask("/v1/test/status/503", { key: await knownKey() });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await response.json()).toEqual({ path: "/v1/test/status/503" });
  });

  it("that dies in the middle of an answer breaks it off: it doesn't look complete", async () => {
    const response = await ask("/v1/test/cut", { key: await knownKey() });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });
});

describe("an answer", () => {
  it("comes as it is made, and may take longer than the first byte", async () => {
    const response = await ask("/v1/test/slow", { key: await knownKey() });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const began = Date.now();
    expect(await reader?.read()).toEqual({ done: false, value: "data: first\n\n" });
    expect(Date.now() - began).toBeLessThan(FIRST_BYTE_SECONDS * 2000);
    expect(await reader?.read()).toEqual({ done: false, value: "data: last\n\n" });
    expect((await reader?.read())?.done).toBe(true);
    expect(Date.now() - began).toBeGreaterThan(FIRST_BYTE_SECONDS * 2000);
  });

  it("has its ETag, and none of its body where the client has it", async () => {
    const key = await knownKey();
    const first = await ask("/v1/test/etag", { key });
    expect([first.headers.get("etag"), await first.text()]).toEqual(['"1"', "body"]);
    const again = await ask("/v1/test/etag", { key, headers: { "if-none-match": '"1"' } });
    expect([again.status, again.headers.get("etag"), await again.text()]).toEqual([304, '"1"', ""]);
  });

  it("is the range that was asked for", async () => {
    const response = await ask("/v1/test/range", { key: await knownKey(), headers: { range: "bytes=1-2" } });
    expect([response.status, await response.text()]).toEqual([206, "bytes=1-2"]);
    expect(response.headers.get("content-range")).toBe("bytes 1-2/4");
  });

  it("that leads elsewhere is the client's alone, and followed by nobody here", async () => {
    const response = await ask("/v1/test/redirect", { key: await knownKey() });
    expect([response.status, response.headers.get("location")]).toEqual([
      302,
      "https://store.example.com/signed",
    ]);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
  });

  it("says nothing of the connection to the cell", async () => {
    const { headers } = await ask("/v1/test/x", { key: await knownKey() });
    for (const name of ["connection", "keep-alive", "transfer-encoding"])
      expect(headers.get(name)).toBeNull();
  });
});

it("health is the edge's own", async () => {
  expect(await (await ask("/healthz")).json()).toEqual({ status: "ok" });
});
