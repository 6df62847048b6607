/** A static host of the built page, in a folder and without an API, whose answers tests can spoil. */

import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { pageFile } from "../../src/api/playground/files.ts";
import { PLAYGROUND_FOLDER } from "../../src/service/playground.ts";

/** Makes another answer of a right one. */
export type Spoil = (response: Response) => Response | Promise<Response>;

export interface PageHost {
  readonly origin: string;
  /** Of the page, with a slash at its end. */
  readonly url: string;
  /** Names of the page's files that were asked for, in order. */
  readonly asked: string[];
  /** From now on answers for this file are spoilt; undefined: no more. */
  spoil(name: string, how: Spoil | undefined): void;
  close(): Promise<void>;
}

const PATH = "/some/folder/";

export async function startPageHost(): Promise<PageHost> {
  const asked: string[] = [];
  const spoilt = new Map<string, Spoil>();
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const name = pathname.startsWith(PATH) ? pathname.slice(PATH.length) || "index.html" : undefined;
    const file = name === undefined ? undefined : await pageFile(PLAYGROUND_FOLDER, name, "");
    if (name === undefined || !file)
      return new Response("<h1>Not found</h1>", { status: 404, headers: { "content-type": "text/html" } });
    asked.push(name);
    const headers = { "content-type": file.type, "content-length": String(file.bytes) };
    const response = new Response(file.body(), { headers });
    return (await spoilt.get(name)?.(response)) ?? response;
  };
  const server = createAdaptorServer({ fetch: answer }) as Server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  return {
    origin,
    url: `${origin}${PATH}`,
    asked,
    spoil: (name, how) => void (how ? spoilt.set(name, how) : spoilt.delete(name)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** With one bit of the last byte turned. */
export const corrupted: Spoil = async (response) => {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  return new Response(bytes, response);
};

/** Cut off in the middle, as when the connection is lost. */
export const cutOff: Spoil = async (response) => {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.subarray(0, bytes.length / 2));
      setTimeout(() => controller.error(new Error("cut off")), 200);
    },
  });
  return new Response(body, response);
};
