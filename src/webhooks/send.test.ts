import { readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Receiver, startReceiver, status } from "../../test/support/receiver.ts";
import type { Resolve } from "./resolve.ts";
import { type SendOptions, send } from "./send.ts";

const LOOPBACK: Resolve = async () => [{ address: "127.0.0.1", family: 4 }];
const OPTIONS: SendOptions = { policy: { allowHttp: true, allowPrivate: true }, resolve: LOOPBACK };
const never = new AbortController().signal;
const to = (url: string, more: Partial<SendOptions> = {}, stop = never) =>
  send(
    { url, headers: { "content-type": "application/json" }, body: '{"a":"é"}' },
    { ...OPTIONS, ...more },
    stop,
  );

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

describe("a request", () => {
  it("has the body as it is, its length, and no connection that stays", async () => {
    expect(await to(`${receiver.origin}/hook?a=1`)).toEqual({ status: 204 });
    expect(receiver.received).toMatchObject([
      { path: "/hook?a=1", body: '{"a":"é"}', headers: { "content-length": "10", connection: "close" } },
    ]);
  });

  it.each([
    [200, {}],
    [204, {}],
    [299, {}],
    [302, { error: "redirect" }],
    [400, { error: "status" }],
    [410, { error: "status" }],
    [500, { error: "status" }],
  ])("answered with %d is %j", async (code, error) => {
    receiver.answer(status(code));
    expect(await to(receiver.origin)).toEqual({ status: code, ...error });
  });

  it("hands on when to come back", async () => {
    receiver.answer(status(503, { "retry-after": "120" }));
    expect(await to(receiver.origin)).toMatchObject({ retryAfter: "120" });
  });

  it("says in a word why there was no answer", async () => {
    await receiver.close();
    expect(await to(receiver.origin)).toEqual({ error: "connection_failed" });
    expect(
      await to("http://hooks.example.com", { resolve: () => Promise.reject(new Error("none")) }),
    ).toEqual({
      error: "name_not_found",
    });
    expect(await to("nonsense")).toEqual({ error: "url_refused" });
  });
});

describe("whoever is slow", () => {
  const SOON = { timeoutMs: 100 };

  it("is given up, without an answer", async () => {
    receiver.answer(() => {});
    expect(await to(receiver.origin, SOON)).toEqual({ error: "timeout" });
  });

  it("is given up, where it doesn't even shake hands", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const port = typeof address === "object" && address ? address.port : 0;
    expect(await to(`https://127.0.0.1:${port}/`, SOON)).toEqual({ error: "timeout" });
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it("is given up, where its name is", async () => {
    const forever: Resolve = () => new Promise(() => {});
    expect(await to("https://hooks.example.com/", { ...SOON, resolve: forever })).toEqual({
      error: "timeout",
    });
  });

  it("has said its status, however slowly the rest comes", async () => {
    receiver.answer((_, response) => void response.writeHead(200).write("and"));
    expect(await to(receiver.origin, SOON)).toEqual({ status: 200 });
  });

  it("is no attempt where we stopped it", async () => {
    const stop = new AbortController();
    receiver.answer(() => stop.abort());
    expect(await to(receiver.origin, {}, stop.signal)).toEqual({ error: "aborted" });
  });
});

it("reads no more of an answer than a little", async () => {
  let written = 0;
  const closed = new Promise<void>((resolve) => {
    receiver.answer((_, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(65_536))) written += 65_536;
      };
      response.on("drain", more);
      response.on("close", resolve);
      more();
    });
  });
  expect(await to(receiver.origin)).toEqual({ status: 200 });
  await closed;
  expect(written).toBeLessThan(64 * 2 ** 20);
});

describe("over TLS", () => {
  const file = (name: string) => readFileSync(`test/fixtures/tls/receiver.${name}`, "utf8");
  const secure = () =>
    startReceiver({
      make: (listener) => createTlsServer({ key: file("key"), cert: file("crt") }, listener),
    });

  it("the name is asked for, and the judged address connected to", async () => {
    const server = await secure();
    const { port } = new URL(server.origin);
    expect(await to(`https://receiver.example:${port}/`, { ca: file("crt") })).toEqual({ status: 204 });
    expect(server.received[0]?.headers.host).toBe(`receiver.example:${port}`);
    await server.close();
  });

  it("a certificate of nobody we know, or of another name, is refused", async () => {
    const server = await secure();
    const { port } = new URL(server.origin);
    expect(await to(`https://receiver.example:${port}/`)).toEqual({ error: "tls_failed" });
    expect(await to(`https://other.example:${port}/`, { ca: file("crt") })).toEqual({ error: "tls_failed" });
    expect(await to(`https://127.0.0.1:${port}/`, { ca: file("crt") })).toEqual({ error: "tls_failed" });
    expect(server.received).toEqual([]);
    await server.close();
  });
});
