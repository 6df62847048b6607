/** The edge in workerd on this machine, as `wrangler dev` runs it. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";

const ROOT = path.join(import.meta.dirname, "../..");

export interface EdgePlace {
  /** As the variable has them, `a=http://127.0.0.1:8080`. */
  readonly cells: string;
  readonly secret: string;
  /** How long a cell may take to begin an answer; default 20. */
  readonly firstByteSeconds?: number;
  /** Where it listens; default a port that is free. */
  readonly port?: number;
}

export interface RunningEdge {
  readonly url: string;
  /** Everything that it said so far. */
  readonly said: readonly string[];
  /** Of workerd, which `wrangler` started, with what it started beside it. */
  readonly group: number;
  close(): Promise<void>;
}

/** @throws Error with what it said, where it doesn't start */
export async function startEdge({
  cells,
  secret,
  firstByteSeconds = 20,
  port = 0,
}: EdgePlace): Promise<RunningEdge> {
  const variables = { CELLS: cells, EDGE_SECRET: secret, FIRST_BYTE_SECONDS: String(firstByteSeconds) };
  const given = Object.entries(variables).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  const fixed = ["dev", "--local", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"];
  const child = spawn(
    path.join(ROOT, "node_modules/.bin/wrangler"),
    [...fixed, "--show-interactive-dev-session=false", ...given],
    {
      cwd: ROOT,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: it is ended with everything that it started.
      detached: true,
    },
  );
  const said: string[] = [];
  const url = await listening(child, said);
  const exit = once(child, "close");
  return {
    url,
    said,
    group: child.pid ?? 0,
    close: async () => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
      await exit;
    },
  };
}

function listening(child: ChildProcess, said: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(/Ready on (.*)/.exec(line)?.[1] ?? "") ?? [];
        if (url !== undefined) resolve(url);
      });
    }
    child.once("close", (code) => reject(new Error(`The edge ended with ${code}:\n${said.join("\n")}`)));
  });
}
