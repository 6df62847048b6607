/** An HTTP server around a fetch handler. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { starting, unreadable } from "../api/index.ts";
import { invalid } from "../errors.ts";

/** Answers a request. */
export type Handler = (request: Request) => Response | Promise<Response>;

export interface HttpServer {
  /** Where it listens; another one than was asked for where that was 0. */
  readonly port: number;
  /** From now on this answers; until then, everything is 503. */
  handle(handler: Handler): void;
  /** Takes no new requests and waits for those under way, at most so long. */
  close(graceMs: number): Promise<void>;
}

/** @throws MixcacheError `invalid_argument` where the port can't be had */
export async function startHttpServer(place: {
  readonly host: string;
  readonly port: number;
  /** A number in [0, 1), for ids of requests. */
  readonly random: () => number;
}): Promise<HttpServer> {
  const { random } = place;
  let handler: Handler = () => starting(random);
  const listener = getRequestListener((request) => handler(request), {
    errorHandler: (error) => unreadable(error, random),
  });
  // A request without a host comes to the listener as well, which refuses it in our form.
  const server = createServer({ requireHostHeader: false }, listener);
  server.on("clientError", (error, socket) => void refuseRaw(error, socket, random));
  server.listen(place.port, place.host);
  try {
    await once(server, "listening");
  } catch (error) {
    refuse(error, place.host, place.port);
  }
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : place.port,
    handle: (given) => {
      handler = given;
    },
    close: async (graceMs) => {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(force);
    },
  };
}

/** Answers what Node could make no request of. */
async function refuseRaw(error: Error, socket: Duplex, random: () => number): Promise<void> {
  if (!socket.writable || ("code" in error && error.code === "ECONNRESET")) {
    socket.destroy();
    return;
  }
  const response = unreadable(error, random);
  const body = await response.text();
  const headers = [...response.headers, ["content-length", Buffer.byteLength(body)], ["connection", "close"]];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(`HTTP/1.1 ${response.status} Refused\r\n${lines}\r\n${body}`);
}

function refuse(error: unknown, host: string, port: number): never {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE")
    invalid("PORT", `PORT ${port} is taken by another process. Stop it, or set PORT to another number.`);
  if (code === "EACCES")
    invalid("PORT", `PORT ${port} is for root only. Set PORT to a number of 1024 or more.`);
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    invalid(
      "HOST",
      `HOST ${host} is no address of this machine. Set HOST to 127.0.0.1, or to 0.0.0.0 for all.`,
    );
  throw error;
}
