/** A server in front of another one that passes everything on as it is, and remembers what it was asked. */

import { createServer, type IncomingHttpHeaders, request } from "node:http";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface RecordingProxy {
  readonly origin: string;
  readonly seen: Seen[];
  close(): Promise<void>;
}

/** @param target where it leads; Host stays what the client said, since signatures cover it */
export async function recordingProxy(target: string): Promise<RecordingProxy> {
  const seen: Seen[] = [];
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const { method = "", url = "", headers } = incoming;
    seen.push({ method, path: url, headers });
    const onward = request({ hostname, port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("There is no free port.");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
