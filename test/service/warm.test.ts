/** Containers that start cold, as people run them: bundle, profiles and embeddings come from a store. */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Profile } from "../../src/engine/cache/profile.ts";
import { EMBEDDED_BUNDLE, EMBEDDED_PROFILES, profilePath } from "../../src/node/index.ts";
import { create, isOver, reached, Servers, until } from "../support/serving.ts";

const PATIENCE_MS = 600_000;
const STEPS = 20;

let servers: Servers;
beforeEach(() => {
  servers = new Servers();
});
afterEach(() => servers.close());

const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const inFolder = (...parts: string[]) => path.join(servers.folder, ...parts);

/** A machine that has nothing yet. */
const machine = (name: string) => ({
  XDG_CACHE_HOME: inFolder(name, "cache"),
  XDG_DATA_HOME: inFolder(name, "share"),
});

function mixcache(...args: string[]): string {
  const env = { ...process.env, DATA_DIR: inFolder("data"), ...machine("person") };
  return execFileSync(process.execPath, ["src/cli/main.ts", ...args], { env, encoding: "utf8" }).trim();
}

/** The profile that comes along for these settings, under another digest. */
function otherProfile(bundle: string): string {
  const [name = ""] = readdirSync(path.join(EMBEDDED_PROFILES, bundle)).filter((file) =>
    file.includes(`-${STEPS}-`),
  );
  const profile = JSON.parse(readFileSync(path.join(EMBEDDED_PROFILES, bundle, name), "utf8")) as Profile;
  const file = inFolder("profile.json");
  writeFileSync(file, JSON.stringify({ ...profile, prompts: { ...profile.prompts, digest: "mine" } }));
  expect(path.basename(profilePath("", profile.key))).toBe(name);
  return file;
}

let key = "";

/** Makes a video in a container that starts on this machine, and ends it. */
async function videoOn(name: string, env: Record<string, string>) {
  const serving = servers.start({ ...machine(name), ...env });
  const at = await reached(serving);
  key ||= at.key;
  const here = { url: at.url, key };
  const id = await create(here, { prompt: "a red circle moves left", num_inference_steps: STEPS, seed: 7 });
  const video = await until(here, id, isOver);
  serving.process.kill("SIGTERM");
  expect(await serving.exit).toBe(0);
  const record = JSON.parse(readFileSync(inFolder("data/objects/videos", id, "1/trace.json"), "utf8"));
  const file = readFileSync(inFolder("data/objects/videos", id, "1/video.mp4"));
  return {
    status: video.status,
    profile: record.trace?.profile as string | null,
    video: sha256(file),
    warnings: serving.lines.filter((line) => line.includes('"level":"warn"')),
    fetched: serving.lines.some((line) => / fetched in /.test(line) && !line.includes(" 0.0 MB of")),
  };
}

it("the second of two cold containers starts from what the first left, and a spoilt profile stops neither", {
  timeout: PATIENCE_MS,
}, async () => {
  key = "";
  const bundle = mixcache("bundle", "push", EMBEDDED_BUNDLE, pathToFileURL(inFolder("models")).href);
  const digest = bundle.split("@sha256:")[1] ?? "";
  const file = otherProfile(digest);
  const object = mixcache("profile", "push", file);

  const first = await videoOn("one", { BUNDLE: bundle, PROFILE_WRITEBACK: "1" });
  expect(first).toMatchObject({ status: "completed", fetched: true, profile: sha256(readFileSync(file)) });
  const list = JSON.parse(mixcache("profile", "list", "--json")) as { observedRuns?: number }[];
  expect(list).toEqual([expect.objectContaining({ bundle: digest, observedRuns: 1 })]);

  // Without write-back: what was pushed and nothing else, so the same video.
  const second = await videoOn("two", { BUNDLE: bundle });
  expect(second).toMatchObject({ fetched: true, profile: first.profile, video: first.video });

  const sharpened = await videoOn("three", { BUNDLE: bundle, PROFILE_WRITEBACK: "1" });
  expect(sharpened.status).toBe("completed");
  expect(sharpened.profile).not.toBe(first.profile);
  mixcache("profile", "pull", "--digest", sharpened.profile ?? "", "-o", inFolder("used.json"));
  expect(sha256(readFileSync(inFolder("used.json")))).toBe(sharpened.profile);

  writeFileSync(inFolder("data/objects", object), "{");
  const spoilt = await videoOn("four", { BUNDLE: bundle });
  expect(spoilt.status).toBe("completed");
  expect(spoilt.profile).not.toBe(first.profile);
  expect(spoilt.warnings.filter((line) => line.includes("profile_invalid"))).toHaveLength(1);
  // What was counted of videos holds no word of theirs.
  const objects = readdirSync(inFolder("data/objects/profiles"), { recursive: true, encoding: "utf8" });
  for (const name of objects.filter((one) => one.endsWith(".json")))
    expect(readFileSync(inFolder("data/objects/profiles", name), "utf8")).not.toContain("circle");
});
