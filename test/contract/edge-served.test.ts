/**
 * Guarantee: what tells a request by its bytes holds at a socket too, and the stock client works through the edge. The
 * edge as `wrangler dev` runs it, before a real API and before a cell that breaks its answers off.
 */

import { once } from "node:events";
import net from "node:net";
import { text } from "node:stream/consumers";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newKey } from "../../src/jobs/index.ts";
import { MAX_BODY_BYTES } from "../../src/wire/body.ts";
import { SECRET, startCell, type TestCell } from "../edge/cells.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";

let api: TestApi;
let broken: TestCell;
let edge: RunningEdge;
const brokenKey = newKey((count) => crypto.getRandomValues(new Uint8Array(count)), "b");

beforeAll(async () => {
  api = await startTestApi(undefined, { edgeSecret: SECRET });
  await api.startWorker();
  broken = await startCell("b");
  await fetch(`${broken.url}/control/know`, { method: "POST", body: brokenKey.hash });
  edge = await startEdge({ cells: `a=${api.origin},b=${broken.url}`, secret: SECRET });
});
afterAll(async () => {
  await edge.close();
  await broken.close();
  await api.close();
});

/** Sends bytes. @returns all that came back until the connection ended */
async function raw(lines: readonly string[], body = ""): Promise<string> {
  const { hostname, port } = new URL(edge.url);
  const socket = net.connect(Number(port), hostname);
  socket.write(`${lines.join("\r\n")}\r\nhost: edge.example.com\r\nconnection: close\r\n\r\n${body}`);
  return text(socket);
}

const CHUNK_BYTES = 2 ** 16;

const auth = () => `authorization: Bearer ${api.key}`;
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

describe("at a socket", () => {
  it("an absolute address leads to the account's cell, and to no other host", async () => {
    const absolute = await raw(["GET http://evil.example/v1/videos?limit=1 HTTP/1.1", auth()]);
    expect(statusOf(absolute)).toBe(200);
    expect(absolute).toContain('"object":"list"');
    expect(statusOf(await raw(["GET //evil.example/v1/videos HTTP/1.1", auth()]))).toBe(404);
  });

  it("two authorization headers are none, however they are written", async () => {
    const twice = await raw([
      "GET /v1/videos HTTP/1.1",
      auth(),
      auth().replace("authorization", "AuthoriZation"),
    ]);
    expect(statusOf(twice)).toBe(401);
    expect(statusOf(await raw(["GET /v1/videos HTTP/1.1", auth().toUpperCase()]))).toBe(401);
    const odd = auth().replace("authorization: Bearer", "AUTHORIZATION: bEARER");
    expect(statusOf(await raw(["GET /v1/videos HTTP/1.1", odd]))).toBe(200);
  });

  it("traversal ends at the edge", async () => {
    for (const path of [
      "/v1/videos/../../internal/keys/x",
      "/v1/videos/%2e%2e/%2e%2e/internal/scale",
      "/v1/videos/..%2f..%2fmetrics",
    ])
      expect(statusOf(await raw([`GET ${path} HTTP/1.1`, auth()]))).toBe(404);
  });

  it("a body that never ends is refused while it is being sent", async () => {
    const { hostname, port } = new URL(edge.url);
    const socket = net.connect(Number(port), hostname);
    const head = ["POST /v1/videos HTTP/1.1", "host: x", auth(), "content-type: application/json"];
    socket.write(`${head.join("\r\n")}\r\ntransfer-encoding: chunked\r\n\r\n`);
    const answered = once(socket, "data");
    // A mebibyte and a little, and then silence: what is still under way when the answer comes could reset the connection.
    for (let sent = 0; sent <= MAX_BODY_BYTES; sent += CHUNK_BYTES)
      socket.write(`${CHUNK_BYTES.toString(16)}\r\n${"x".repeat(CHUNK_BYTES)}\r\n`);
    const [first] = await answered;
    socket.destroy();
    expect(statusOf(String(first))).toBe(413);
  });

  it("an answer that its cell breaks off has no end", async () => {
    const answer = await raw(["GET /v1/test/cut HTTP/1.1", `authorization: Bearer ${brokenKey.secret}`]);
    expect(statusOf(answer)).toBe(200);
    expect(answer).toContain("data: 1");
    expect(answer).not.toMatch(/\r\n0\r\n\r\n$/);
  });
});

describe("through the edge", () => {
  it("the stock client creates, follows, lists, downloads and deletes a video", async () => {
    const client = new OpenAI({ baseURL: `${edge.url}/v1`, apiKey: api.key, maxRetries: 0 });
    const created = await client.videos.create({ prompt: "a red circle moves left" });
    expect(created.id).toMatch(/^video_a/);
    const events = await fetch(`${edge.url}/v1/videos/${created.id}/events`, {
      headers: { authorization: `Bearer ${api.key}` },
    });
    expect(await events.text()).toContain("event: video.completed");
    expect(await client.videos.retrieve(created.id)).toMatchObject({ status: "completed" });
    expect((await client.videos.list()).data.map(({ id }) => id)).toContain(created.id);
    const content = await client.videos.downloadContent(created.id);
    expect((await content.arrayBuffer()).byteLength).toBeGreaterThan(100);
    expect(await client.videos.delete(created.id)).toMatchObject({ deleted: true });
  });

  it("two of the same create through it are two requests to the API", async () => {
    const client = new OpenAI({ baseURL: `${edge.url}/v1`, apiKey: api.key, maxRetries: 0 });
    const make = () => client.videos.create({ prompt: "twice" });
    const [one, two] = await Promise.all([make(), make()]);
    expect(one.id).not.toBe(two.id);
  });

  it("a revoked key is refused by the API at once, while the edge still knows it", async () => {
    const { id, key } = await api.account({ unlimited: true });
    const ask = () => fetch(`${edge.url}/v1/videos`, { headers: { authorization: `Bearer ${key}` } });
    expect((await ask()).status).toBe(200);
    const [own] = await api.accounts.listKeys(id, { limit: 1 });
    await api.accounts.revokeKey(id, own?.id ?? "");
    expect((await ask()).status).toBe(401);
  });

  it("the operator's key opens nothing", async () => {
    const ask = await fetch(`${edge.url}/v1/accounts`, {
      headers: { authorization: `Bearer ${api.operatorKey}` },
    });
    expect(ask.status).toBe(401);
  });
});
