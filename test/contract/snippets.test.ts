/** The snippets of docs/clients.md and docs/events.md do what they say, against the whole service with a stub of the engine. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestApi, type TestApi } from "../support/api.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const page = ["clients", "events"]
  .map((name) => readFileSync(path.join(ROOT, `docs/${name}.md`), "utf8"))
  .join("");
const snippets = new Map(
  [...page.matchAll(/<!-- test: ([\w-]+) -->\n\n```\w+\n([\s\S]*?)```/g)].map(([, name = "", code = ""]) => [
    name,
    code,
  ]),
);
const given = process.env.MIXCACHE_TEST_OPENAI_PYTHON;
/** Snippets run in a folder of their own. */
const python = given === undefined ? undefined : path.resolve(given);
const folder = mkdtempSync(path.join(tmpdir(), "mixcache-snippets-"));
let api: TestApi;

beforeAll(async () => {
  symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  api = await startTestApi();
  await api.startWorker();
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A port that was free just now. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, free: () => new Promise((resolve) => server.close(resolve)) };
}

async function run(name: string, program: string, file: string) {
  writeFileSync(path.join(folder, file), snippets.get(name) ?? "");
  const env = { ...process.env, MIXCACHE_URL: api.origin, MIXCACHE_KEY: api.key };
  const child = spawn(program, [file], { cwd: folder, env });
  const ended = new Promise((resolve, reject) => child.once("exit", resolve).once("error", reject));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  // Python's client warns on stderr that OpenAI has closed its own service.
  expect(await ended, stderr).toBe(0);
  return stdout;
}

describe("the snippets", () => {
  it("are all here", () => {
    expect([...snippets.keys()]).toEqual([
      ...["curl", "curl-json", "javascript", "javascript-cancel", "python"],
      ...["events-curl", "events-wait", "events-javascript", "events-proxy"],
    ]);
  });

  it("of curl create videos", async () => {
    expect(JSON.parse(await run("curl", "sh", "form.sh"))).toMatchObject({ object: "video", seed: 7 });
    expect(JSON.parse(await run("curl-json", "sh", "json.sh"))).toMatchObject({
      object: "video",
      cache: { options: { speed: 2 } },
    });
  });

  it("of JavaScript save a video, and cancel one", async () => {
    expect(await run("javascript", process.execPath, "create.mjs")).toMatch(/^0\.\d{6} USD [\d.]+\n$/);
    expect(readFileSync(path.join(folder, "video.webp")).subarray(0, 4).toString()).toBe("RIFF");
    expect(await run("javascript-cancel", process.execPath, "cancel.mjs")).toMatch(
      /^(queued|in_progress|failed)\n$/,
    );
  });

  it("follow a video, or wait for it", async () => {
    const streamed = await run("events-curl", "sh", "events.sh");
    expect(streamed).toMatch(
      /^retry: 1000\n[\s\S]*event: decision\n[\s\S]*event: video.completed\ndata: .*\n\n$/,
    );
    expect(JSON.parse(await run("events-wait", "sh", "wait.sh"))).toMatchObject({ status: "completed" });
    const lines = (await run("events-javascript", process.execPath, "follow.mjs")).trim().split("\n");
    const stepsOf = (type: string) =>
      lines.filter((line) => line.startsWith(type)).map((line) => line.split(" ")[1]);
    expect(stepsOf("decision")).toEqual(Array.from({ length: 50 }, (_, at) => `${at + 1}`));
    expect(stepsOf("preview")).toEqual(["5", "10", "15", "20", "25", "30", "35", "40", "45"]);
    expect(lines.at(-1)).toBe("video.completed");
  });

  it("pass a stream on through a server of one's own", async () => {
    writeFileSync(path.join(folder, "proxy.mjs"), snippets.get("events-proxy") ?? "");
    const { port, free } = await freePort();
    const env = { ...process.env, MIXCACHE_URL: api.origin, MIXCACHE_KEY: api.key, PORT: `${port}` };
    await free();
    const child = spawn(process.execPath, ["proxy.mjs"], { cwd: folder, env, stdio: "ignore" });
    const { id } = JSON.parse(await run("events-wait", "sh", "wait.sh")) as { id: string };
    const ask = (headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${port}/videos/${id}/events`, { headers }).catch(() => undefined);
    let answer = await ask();
    while (!answer) answer = await ask();
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    const all = await answer.text();
    expect(all).toContain("video.completed");
    const last = /id: (\d+)\nevent: video.completed/.exec(all)?.[1] ?? "";
    expect((await ask({ "last-event-id": last }))?.status).toBe(204);
    child.kill();
  });

  it.skipIf(python === undefined)("of Python save a video", async () => {
    rmSync(path.join(folder, "video.webp"), { force: true });
    expect(await run("python", python ?? "", "create.py")).toMatch(/^0\.\d{6} USD\n$/);
    expect(existsSync(path.join(folder, "video.webp"))).toBe(true);
  });
});
