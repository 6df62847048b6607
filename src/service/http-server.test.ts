import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HttpServer, startHttpServer } from "./http-server.ts";

let server: HttpServer;
beforeAll(async () => {
  server = await startHttpServer({ host: "127.0.0.1", port: 0, random: () => 0.5 });
});
afterAll(() => server.close(0));

/** Sends bytes as they are, and gives the whole answer. */
async function send(bytes: string): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk: Buffer) => {
    answer += chunk.toString();
  });
  socket.end(bytes);
  await once(socket, "close");
  return answer;
}

describe("what no route hears has a request id and a code", () => {
  it.each([
    ["no HTTP", "nonsense\r\n\r\n", 400],
    ["no host", "GET / HTTP/1.1\r\nconnection: close\r\n\r\n", 400],
    ["no good host", "GET / HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n", 400],
    ["an endless address", `GET /${"x".repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, 431],
  ])("%s", async (_, bytes, status) => {
    const answer = await send(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toMatch(/^x-request-id: req_[0-9a-f]{24}\r$/im);
    expect(answer).toMatch(/^x-should-retry: false\r$/im);
    expect(answer).toContain('"code":"request_unreadable"');
  });

  it("before the API is there", async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/v1/videos`);
    expect(response.status).toBe(503);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.json()).toMatchObject({ code: "starting", error: { code: "starting" } });
  });
});
