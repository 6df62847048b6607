/** `npm start` as a person runs it: the process, its embedded database and the embedded model. */

import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeMp4 } from "../support/mp4.ts";
import { create, isBegun, isOver, reached, Servers, until } from "../support/serving.ts";

/** Loading PGlite for the first time and the model takes seconds, on a busy machine many. */
const PATIENCE_MS = 300_000;

let servers: Servers;
beforeEach(() => {
  servers = new Servers();
});
afterEach(() => servers.close());

const shell = (line: string, env: Record<string, string> = {}) =>
  execFileSync("bash", ["-c", line], { env: { ...process.env, ...env }, encoding: "utf8" });

describe("npm start", { timeout: PATIENCE_MS }, () => {
  it("prints a line for a shell that yields a video, and says neither prompt nor key in its logs", async () => {
    const serving = servers.start();
    const { curl, key } = await reached(serving);
    await serving.line("Ready:");
    shell(`cd ${servers.folder}; ${curl}`);
    const video = new Uint8Array(readFileSync(path.join(servers.folder, "video.mp4")));
    expect(await decodeMp4(video)).toEqual({ width: 64, height: 64, frames: 16 });
    const logs = serving.lines.filter((text) => text.startsWith("{")).join("\n");
    expect(logs).toContain('"ending":"completed"');
    expect(logs).not.toContain("red circle");
    expect(logs).not.toContain(key);
    expect(await serving.line("Playground:")).toMatch(new RegExp(`^Playground: http://\\S+/#key=${key}$`));
    expect(await serving.line("Database:")).toContain("survives kills, not power loss");
  });

  it("keeps its secrets to itself, and says on later starts how to make another key", async () => {
    const first = servers.start();
    const { key } = await reached(first);
    first.process.kill("SIGTERM");
    expect(await first.exit).toBe(0);
    for (const name of ["operator-key", "objects/.signing-key"])
      expect(statSync(path.join(servers.folder, "data", name)).mode & 0o077).toBe(0);
    const second = servers.start();
    const { curl } = await reached(second);
    const said = second.lines.join("\n");
    expect(said).not.toContain("shown this once");
    expect(said).not.toContain(key);
    const made = shell(await second.line("MIXCACHE_URL=")).trim();
    expect(made).toMatch(/^mx_a[a-z2-7]{47}$/);
    expect(second.lines.join("\n")).not.toContain(made);
    shell(`cd ${servers.folder}; ${curl}`, { MIXCACHE_KEY: made });
    expect(
      (await decodeMp4(new Uint8Array(readFileSync(path.join(servers.folder, "video.mp4"))))).frames,
    ).toBe(16);
  });

  it("completes a video that a killed process had begun, with its key still valid", async () => {
    const first = servers.start();
    const before = await reached(first);
    const id = await create(before, { prompt: "a blue star spins", num_inference_steps: 100 });
    await until(before, id, isBegun);
    first.process.kill("SIGKILL");
    await first.exit;
    const { url } = await reached(servers.start());
    const here = { url, key: before.key };
    // The lease of the one that died is not waited for.
    expect(await until(here, id, () => true)).not.toMatchObject({ status: "in_progress", attempt: 1 });
    expect(await until(here, id, isOver)).toMatchObject({ status: "completed", attempt: 2 });
  });

  it("hands the video back at SIGTERM and ends within ten seconds", async () => {
    const serving = servers.start();
    const at = await reached(serving);
    const id = await create(at, { prompt: "a blue star spins", num_inference_steps: 1000 });
    await until(at, id, isBegun);
    const stoppedMs = performance.now();
    serving.process.kill("SIGTERM");
    expect(await serving.exit).toBe(0);
    expect(performance.now() - stoppedMs).toBeLessThan(10_000);
    expect(serving.lines.join("\n")).toContain('"ending":"hand_back"');
  });

  it("refuses a folder that another process serves, with a sentence", async () => {
    await servers.start().line("Listening on ");
    const second = servers.start();
    expect(await second.exit).toBe(2);
    expect(await second.line("mixcache: ")).toMatch(/^mixcache: Another process .*DATA_DIR.*\.$/);
  });

  it("refuses a role alone without a database that can be shared, and a port that is taken", async () => {
    const alone = servers.start({ ROLE: "worker" });
    expect(await alone.exit).toBe(2);
    expect(alone.lines.join("\n")).toMatch(/^mixcache: ROLE is “worker” and DATABASE_URL is not set\./);
    const { url } = await reached(servers.start());
    const late = servers.start({ PORT: new URL(url).port, DATA_DIR: path.join(servers.folder, "other") });
    expect(await late.exit).toBe(2);
    expect(await late.line("mixcache: ")).toMatch(/^mixcache: PORT \d+ is taken/);
  });
});
