/** Receivers of webhooks on this machine, which answer as they are told and keep what they got. */

import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { Webhook } from "standardwebhooks";

/** A request as it came. */
export interface Received {
  readonly path: string;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers a request; without an answer it hangs. */
export type Answering = (received: Received, response: ServerResponse) => void;

export interface Receiver {
  readonly origin: string;
  readonly received: Received[];
  /** Connections that were opened to it. */
  readonly connections: () => number;
  /** From now on it answers so. */
  answer(answering: Answering): void;
  close(): Promise<void>;
}

/** An answer with a status. */
export function status(code: number, headers: Record<string, string> = {}): Answering {
  return (_, response) => response.writeHead(code, headers).end();
}

/** Where a receiver listens, and how it is made. */
export interface ReceiverOptions {
  /** Default: any that is free. */
  readonly port?: number;
  readonly make?: (listener: RequestListener) => Server;
}

/** Starts one; it answers 204 until it is told otherwise. */
export async function startReceiver({
  port: wanted = 0,
  make = createServer,
}: ReceiverOptions = {}): Promise<Receiver> {
  let answering = status(204);
  let connections = 0;
  const received: Received[] = [];
  const server: Server = make(async (request, response) => {
    const got = await read(request);
    received.push(got);
    answering(got, response);
  });
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(wanted, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    received,
    connections: () => connections,
    answer: (given) => {
      answering = given;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function read(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  return {
    path: request.url ?? "",
    id: headers["webhook-id"] ?? "",
    headers,
    body: Buffer.concat(chunks).toString("utf8"),
  };
}

/** What the public library makes of it. @throws its error where the signature or the time is wrong */
export function verified(secret: string, { body, headers }: Received, nowMs: number): unknown {
  const real = Date.now;
  // The library asks the system's clock; a test's clock may be elsewhere.
  Date.now = () => nowMs;
  try {
    return new Webhook(secret).verify(body, { ...headers });
  } finally {
    Date.now = real;
  }
}
