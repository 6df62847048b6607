/**
 * A whole service with a stub of the engine, as a process: makes one video on behalf of a request that has a
 * traceparent, prints the video's id, and ends. For the test of traces, which needs the SDK to be loaded by itself.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readServerConfig } from "../../src/config/index.ts";
import { createLog } from "../../src/logging.ts";
import { startService } from "../../src/service/index.ts";
import { StubEngine } from "./stub-engine.ts";

const folder = mkdtempSync(path.join(tmpdir(), "mixcache-traced-"));
const config = readServerConfig({ ...process.env, DATA_DIR: folder, PORT: "0", LOG_LEVEL: "silent" });
const said: string[] = [];
const service = await startService({
  config,
  log: createLog({ level: "silent" }),
  say: (line) => said.push(line),
  openEngine: async () => new StubEngine(),
});
await service.ready;
const key = /mx_a[a-z2-7]{47}/.exec(said.join("\n"))?.[0];
const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
const url = `${service.url}/v1/videos`;
const made = await fetch(url, {
  method: "POST",
  headers: { ...headers, traceparent: process.argv[2] ?? "" },
  body: JSON.stringify({ prompt: "a hidden word" }),
});
const { id } = (await made.json()) as { id: string };
for (let status = "queued"; status !== "completed"; ) {
  ({ status } = (await (await fetch(`${url}/${id}`, { headers })).json()) as { status: string });
  await new Promise((resolve) => setTimeout(resolve, 50));
}
await service.close();
rmSync(folder, { recursive: true });
process.stdout.write(id);
