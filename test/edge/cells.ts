/**
 * Two cells on this machine that answer what a path asks of them (`/v1/test/…`) and remember what they got; beside
 * them, in `CELLS`, one where nobody listens. The edge's tests talk with them under `/control`.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { sha256Hex } from "../../src/wire/hex.ts";
import { type Claim, isProven, PROOF_HEADER, proofKeys, readProof } from "../../src/wire/proof.ts";

/** What the edge under test signs with. */
export const SECRET = "the-secret-of-edge-tests-is-long-enough";
export const FIRST_BYTE_SECONDS = 0.5;
/** The limits of the edge under test, of a key and of an address in a minute. */
export const MOST_REQUESTS = 30;
export const MOST_UNKNOWN = 5;

/** A request that came to a cell. */
export interface Seen extends Pick<Claim, "method" | "path" | "query" | "cell"> {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether its proof is one of exactly this request. */
  readonly proven: boolean;
  readonly ip: string | undefined;
  readonly nonce: string | undefined;
}

/** A cell that is asked by tests. */
export interface TestCell {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts one. @param cell its label */
export async function startCell(cell: string): Promise<TestCell> {
  const known = new Set<string>();
  let seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(`http://cell${request.url}`);
    const body = new Uint8Array(await buffer(request));
    if (pathname.startsWith("/control/")) {
      const text = new TextDecoder().decode(body);
      if (pathname === "/control/know") known.add(text);
      if (pathname === "/control/forget") known.delete(text);
      response.end(JSON.stringify(seen));
      if (pathname === "/control/clear") seen = [];
      return;
    }
    seen.push(await seenOf(request, body, cell));
    const [, hash] = /^\/internal\/keys\/(\w+)$/.exec(pathname) ?? [];
    if (hash !== undefined) return void json(response, 200, { known: known.has(hash) });
    await answer(pathname, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => closed(server) };
}

async function seenOf(request: IncomingMessage, body: Uint8Array<ArrayBuffer>, cell: string): Promise<Seen> {
  const { pathname: path, search: query } = new URL(`http://cell${request.url}`);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const proof = readProof(headers[PROOF_HEADER] ?? "");
  const about = { method: request.method ?? "", path, query, cell };
  const proven =
    proof !== undefined &&
    (await isProven(await proofKeys(SECRET), proof, about)) &&
    proof.bodyDigest === (await sha256Hex(body));
  return {
    ...about,
    headers,
    body: new TextDecoder().decode(body),
    proven,
    ip: proof?.ip,
    nonce: proof?.nonce,
  };
}

/** What a path asks for. */
async function answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader("x-request-id", request.headers["x-request-id"] ?? "");
  const [, what, detail = ""] = /^\/v1\/test\/(\w+)\/?(.*)$/.exec(path) ?? [];
  switch (what) {
    case "hang":
      return;
    case "cut":
      // Headers and a part of the body, then the connection is gone.
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
      setTimeout(() => request.socket.destroy(), 50);
      return;
    case "slow":
      // Begins at once, and ends long after the limit for the first byte.
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: first\n\n");
      setTimeout(() => response.end("data: last\n\n"), FIRST_BYTE_SECONDS * 3000);
      return;
    case "bare":
      // What a balancer says where the API is gone.
      response.removeHeader("x-request-id");
      return void response
        .writeHead(Number(detail), { "content-type": "text/html" })
        .end("<h1>Bad Gateway</h1>");
    case "redirect":
      return void response.writeHead(302, { location: "https://store.example.com/signed" }).end();
    case "etag": {
      const same = request.headers["if-none-match"] === '"1"';
      return void response.writeHead(same ? 304 : 200, { etag: '"1"' }).end(same ? undefined : "body");
    }
    case "range":
      return void response
        .writeHead(206, { "content-range": "bytes 1-2/4", "accept-ranges": "bytes" })
        .end(String(request.headers.range));
    default:
      return void json(response, Number(detail) || 200, { path });
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** Vitest's global set-up: both cells, and `CELLS` for the edge. */
export async function setup({ provide }: { provide: (key: never, value: never) => void }) {
  const cells = [await startCell("a"), await startCell("b")] as const;
  const list = `a=${cells[0].url},b=${cells[1].url},z=http://127.0.0.1:1`;
  provide("cells" as never, list as never);
  return () => Promise.all(cells.map((cell) => cell.close()));
}
