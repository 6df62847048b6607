/** Sends raw requests, many at once, over connections that are kept. */

import { Agent, request } from "node:http";
import type { RawRequest } from "./raw.ts";

/** An answer's status; 0 where the connection was cut instead. */
export async function send(origin: string, agent: Agent, asked: RawRequest): Promise<number> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    try {
      const { method, path, headers, body } = asked;
      const sent = request({
        agent,
        hostname,
        port,
        method,
        path,
        headers: { ...headers, "content-length": body.length },
      });
      sent.on("response", (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
        response.on("error", () => resolve(response.statusCode ?? 0));
      });
      sent.on("error", () => resolve(0));
      sent.end(body);
    } catch {
      // A header that Node's client refuses to send.
      resolve(-1);
    }
  });
}

/** Sends so many. @returns how often each status came; -1: what the client refused to send */
export async function sendAll(
  origin: string,
  count: number,
  next: () => RawRequest,
  atOnce = 8,
): Promise<ReadonlyMap<number, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const statuses = new Map<number, number>();
  let left = count;
  const sender = async () => {
    while (left-- > 0) {
      const status = await send(origin, agent, next());
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, sender));
  agent.destroy();
  return statuses;
}
