/** Serves folders to a browser on this machine, and misbehaves where a test says so. */

import { createReadStream, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Answers a request itself and returns true, or leaves it to the folders. */
export type Disturbance = (pathname: string, request: IncomingMessage, response: ServerResponse) => boolean;

export interface StaticServer {
  readonly origin: string;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Goes before the folders while it is set. */
  disturb: Disturbance | undefined;
  close(): Promise<void>;
}

/** @param folders by the beginning of the paths that they serve, the first that fits */
export async function serveFolders(folders: Readonly<Record<string, string>>): Promise<StaticServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const pathname = decodeURIComponent(new URL(`http://here${request.url}`).pathname);
    asked.push(pathname);
    if (served.disturb?.(pathname, request, response)) return;
    const file = fileOf(folders, pathname);
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("content-type", TYPES[path.extname(file)] ?? "application/octet-stream");
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const served: StaticServer = {
    origin: `http://localhost:${port}`,
    asked,
    disturb: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return served;
}

function fileOf(folders: Readonly<Record<string, string>>, pathname: string): string | undefined {
  const [prefix, folder] = Object.entries(folders).find(([start]) => pathname.startsWith(start)) ?? [];
  if (prefix === undefined || folder === undefined) return undefined;
  const rest = pathname.slice(prefix.length);
  const file = path.join(folder, rest === "" ? "index.html" : rest);
  return file.startsWith(folder) && statSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined;
}
