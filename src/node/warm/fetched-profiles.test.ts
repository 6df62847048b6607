import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ManualTimers } from "../../../test/support/manual-timers.ts";
import type { FolderStore } from "../../storage/index.ts";
import { profileFinder, profilePath } from "../profiles.ts";
import {
  FetchedProfiles,
  type FetchedProfilesOptions,
  observedObject,
  profileObject,
} from "./fetched-profiles.ts";
import { writeObservations } from "./observations.ts";
import { pullUsed } from "./profile-store.ts";
import { profileText } from "./profile-text.ts";
import { openFolderStore, profileOf, readableLog, seenAt, UNREACHABLE } from "./testing.ts";

const PROFILE = profileOf(8);
const { key } = PROFILE;
const TEXT = profileText(PROFILE);
const sha256 = (text: string | Uint8Array) => createHash("sha256").update(text).digest("hex");

let folder: string;
let store: FolderStore;
let timing: ManualTimers;
let heard: ReturnType<typeof readableLog>;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mixcache-fetched-"));
  store = await openFolderStore();
  timing = new ManualTimers();
  heard = readableLog();
});
afterEach(() => Promise.all([folder, store.folder].map((one) => rm(one, { recursive: true, force: true }))));

const open = (more: Partial<FetchedProfilesOptions> = {}) =>
  new FetchedProfiles({ store, folder, sharpen: false, timing, log: heard.log, ...more });
const put = (text: string) => store.put(profileObject(key), new TextEncoder().encode(text));
/** What a run would get. */
const found = () => profileFinder({ fetchedProfiles: folder })(key);

describe("a container that starts cold", () => {
  it("has the store's profile, under the digest of what was pushed", async () => {
    await put(TEXT);
    await open().fetch(key);
    expect(await found()).toEqual({ profile: PROFILE, digest: sha256(TEXT), notices: [] });
    expect(heard.lines).toEqual([]);
  });

  it("keeps it as long as it lives, whatever becomes of the store's", async () => {
    await put(TEXT);
    const profiles = open();
    await profiles.fetch(key);
    await put(profileText({ ...PROFILE, prompts: { count: 2, digest: "other" } }));
    await timing.advance(3_600_000);
    await profiles.fetch(key);
    expect((await found()).digest).toBe(sha256(TEXT));
    await open().fetch(key);
    expect((await found()).digest).not.toBe(sha256(TEXT));
  });

  it("has one that was pushed a minute ago, where there was none", async () => {
    const profiles = open();
    await profiles.fetch(key);
    await put(TEXT);
    await profiles.fetch(key);
    expect((await found()).digest).toBeUndefined();
    await timing.advance(60_000);
    await profiles.fetch(key);
    expect((await found()).digest).toBe(sha256(TEXT));
    expect(heard.lines).toEqual([]);
  });
});

describe("a store's profile that can't be used", () => {
  const other = (changes: Partial<typeof key>) => profileText({ ...PROFILE, key: { ...key, ...changes } });

  it.each([
    ["is cut off", TEXT.slice(0, 400), "profile_invalid"],
    ["is empty", "", "profile_invalid"],
    ["is no text", "\u0000\ufffd\u0001", "profile_invalid"],
    ["lacks steps", TEXT.replace(/"reuse_costs": \[.*\]/, '"reuse_costs": []'), "profile_invalid"],
    ["is of another version", TEXT.replace("profile/1", "profile/9"), "profile_mismatch"],
    ["is of another bundle", other({ bundle: "cd".repeat(32) }), "profile_mismatch"],
    ["is of other settings", profileText(profileOf(9)), "profile_mismatch"],
    ["is of other guidance", other({ guidance_scales: { main: 5 } }), "profile_mismatch"],
    ["is as large as a video", " ".repeat(5 * 2 ** 20), "storage_failed"],
  ])("because it %s is not, costs one line of the log, and the run goes on", async (_, text, code) => {
    await put(text);
    const profiles = open();
    for (let video = 0; video < 3; video++) {
      await profiles.fetch(key);
      await timing.advance(60_000);
    }
    expect(await found()).toEqual({ notices: [] });
    expect(heard.lines).toHaveLength(1);
    expect(JSON.parse(heard.lines[0] ?? "")).toMatchObject({ level: "warn", error: { code } });
  });

  it("leaves the one that was fetched before", async () => {
    await put(TEXT);
    await open().fetch(key);
    await put(TEXT.slice(0, 400));
    await open().fetch(key);
    expect((await found()).digest).toBe(sha256(TEXT));
  });
});

describe("a store", () => {
  it("that can't be reached costs one line; what lies on this machine is used", async () => {
    const file = profilePath(folder, key);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, TEXT);
    const profiles = open({ store: UNREACHABLE });
    for (let video = 0; video < 3; video++) {
      await profiles.fetch(key);
      await timing.advance(60_000);
    }
    expect((await found()).digest).toBe(sha256(TEXT));
    expect(heard.lines).toHaveLength(1);
  });

  it("that is silent is waited for five seconds, once a minute", async () => {
    let asked = 0;
    const get = () => {
      asked++;
      return new Promise<never>(() => {});
    };
    const silent = { ...UNREACHABLE, get };
    const profiles = open({ store: silent });
    const first = profiles.fetch(key).then(() => "done");
    await timing.advance(4999);
    expect(await Promise.race([first, Promise.resolve("waiting")])).toBe("waiting");
    await timing.advance(1);
    expect(await first).toBe("done");
    await profiles.fetch(key);
    expect(asked).toBe(1);
    expect(heard.lines).toHaveLength(1);
    expect(heard.lines[0]).toContain("did not answer within 5 s");
  });

  it("from which a profile was deleted has it deleted here", async () => {
    await put(TEXT);
    await open().fetch(key);
    await store.delete(profileObject(key));
    await open().fetch(key);
    expect(existsSync(profilePath(folder, key))).toBe(false);
  });

  it("and a folder that can't be written: the video is made without, with a line", async () => {
    await put(TEXT);
    await writeFile(path.join(folder, "file"), "");
    await open({ folder: path.join(folder, "file") }).fetch(key);
    expect(heard.lines).toHaveLength(1);
  });
});

describe("what videos showed", () => {
  const observe = (level: number) =>
    store.put(observedObject(key), writeObservations({ ...seenAt(4, level), runs: 1 }));

  it("is used where that was asked for, and nowhere else; the trace's digest leads to what was used", async () => {
    await put(TEXT);
    await observe(-8);
    await open().fetch(key);
    expect((await found()).digest).toBe(sha256(TEXT));
    await open({ sharpen: true }).fetch(key);
    const { digest = "", profile } = await found();
    expect(digest).not.toBe(sha256(TEXT));
    expect(profile?.deviations).not.toEqual(PROFILE.deviations);
    const file = path.join(folder, "used.json");
    await pullUsed(store, digest, file);
    expect(sha256(await readFile(file))).toBe(digest);
    await pullUsed(store, sha256(TEXT), file);
    expect(await readFile(file, "utf8")).toBe(TEXT);
    await expect(pullUsed(store, "0".repeat(64), file)).rejects.toMatchObject({ code: "profile_missing" });
  });

  it("gives every container the same profile, as long as nothing is added", async () => {
    await put(TEXT);
    await observe(-8);
    await open({ sharpen: true }).fetch(key);
    const first = (await found()).digest;
    await rm(folder, { recursive: true });
    await open({ sharpen: true }).fetch(key);
    expect((await found()).digest).toBe(first);
  });

  it("that is spoilt costs a line, and the profile is used as it was calibrated", async () => {
    await put(TEXT);
    await store.put(observedObject(key), new TextEncoder().encode("{"));
    await open({ sharpen: true }).fetch(key);
    expect((await found()).digest).toBe(sha256(TEXT));
    expect(heard.lines).toHaveLength(1);
  });
});
