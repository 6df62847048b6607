/** An event stream over a bare socket that is cut after so many bytes, wherever that is. */

import { connect } from "node:net";
import { type SseEvent, SseReader } from "./sse.ts";

export interface CutStreamOptions {
  /** Of a server on this machine. */
  readonly origin: string;
  readonly path: string;
  readonly key: string;
  readonly lastEventId: string | undefined;
  /** Bytes of the answer, its head among them, after which the connection is destroyed. */
  readonly afterBytes: number;
}

/** What came before the cut. */
export interface CutStream {
  readonly events: readonly SseEvent[];
  /** The server ended the answer before the cut. */
  readonly ended: boolean;
  /** 0 where the cut came before the status. */
  readonly status: number;
}

/** Asks, reads and cuts. @throws Error where the server breaks off by itself */
export async function cutStream(options: CutStreamOptions): Promise<CutStream> {
  const { bytes, closed } = await receive(options);
  const headEnd = bytes.indexOf("\r\n\r\n");
  const head = bytes.subarray(0, Math.max(headEnd, 0)).toString("latin1");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
  const body = headEnd < 0 ? Buffer.alloc(0) : bytes.subarray(headEnd + 4);
  const { data, last } = dechunked(body);
  const ended = last || (headEnd >= 0 && status === 204);
  if (closed && !ended) throw new Error(`The server broke off after ${bytes.length} bytes: ${head}`);
  return { events: new SseReader().read(data), ended, status };
}

function receive(options: CutStreamOptions): Promise<{ bytes: Buffer; closed: boolean }> {
  const { hostname, port } = new URL(options.origin);
  const { path, key, lastEventId, afterBytes } = options;
  const head = [
    `GET ${path} HTTP/1.1`,
    `host: ${hostname}:${port}`,
    `authorization: Bearer ${key}`,
    ...(lastEventId === undefined ? [] : [`last-event-id: ${lastEventId}`]),
    "connection: close",
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(`${head.join("\r\n")}\r\n\r\n`));
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < afterBytes) return;
      socket.destroy();
      resolve({ bytes: bytes.subarray(0, afterBytes), closed: false });
    });
    socket.on("end", () => resolve({ bytes, closed: true }));
    socket.on("error", reject);
  });
}

/** A chunked body, as far as it goes; `last` where its end is in it. */
function dechunked(body: Buffer): { data: Buffer; last: boolean } {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf("\r\n", at);
    if (lineEnd < 0) return { data: Buffer.concat(parts), last: false };
    const size = Number.parseInt(body.subarray(at, lineEnd).toString("latin1"), 16);
    const start = lineEnd + 2;
    if (size === 0) return { data: Buffer.concat(parts), last: body.length >= start + 2 };
    parts.push(body.subarray(start, start + size));
    at = start + size + 2;
    if (at > body.length) return { data: Buffer.concat(parts), last: false };
  }
}
