import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { handmadeProfile } from "../../test/support/policies.ts";
import { readBundle } from "../engine/bundle/read.ts";
import type { Profile } from "../engine/cache/profile.ts";
import { FolderFiles } from "./bundle-folder.ts";
import { EMBEDDED_BUNDLE, EMBEDDED_PROFILES } from "./embedded.ts";
import { profileFinder, profilePath, readProfileFile } from "./profiles.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mixcache-profiles-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const PROFILE = handmadeProfile(8);
const { key } = PROFILE;

async function store(file: string, text: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
  return createHash("sha256").update(text).digest("hex");
}

const storeInFolder = (profile: Profile) => store(profilePath(folder, profile.key), JSON.stringify(profile));

describe("profiles by settings", () => {
  it("finds the one of these settings, with the digest of its file", async () => {
    const digest = await storeInFolder(PROFILE);
    await storeInFolder(handmadeProfile(20));
    const find = profileFinder({ profiles: folder });
    expect(await find(key)).toEqual({ profile: PROFILE, digest, notices: [] });
    expect(await find({ ...key, steps: 20 })).toMatchObject({ profile: { key: { steps: 20 } } });
  });

  it("finds nothing, and has nothing to say, where there is none", async () => {
    for (const change of [{ bundle: "other" }, { steps: 9 }, { guidance_scales: { main: 2 } }])
      expect(await profileFinder({ profiles: folder })({ ...key, ...change })).toEqual({ notices: [] });
    expect(await profileFinder({})(key)).toEqual({ notices: [] });
  });

  it("passes over a file that is cut off, and says so", async () => {
    await store(profilePath(folder, key), JSON.stringify(PROFILE).slice(0, 300));
    const { profile, notices } = await profileFinder({ profiles: folder })(key);
    expect(profile).toBeUndefined();
    expect(notices).toEqual([expect.stringMatching(/is cut off.*This video was made without it\.$/)]);
  });
});

describe("a profile that was asked for", () => {
  it("goes before those in the folder", async () => {
    await storeInFolder(PROFILE);
    const file = path.join(folder, "mine.json");
    const digest = await store(file, JSON.stringify({ ...PROFILE, prompts: { count: 2, digest: "mine" } }));
    expect(await profileFinder({ profiles: folder, profile: file })(key)).toMatchObject({ digest });
  });

  it("is not used for other settings, nor is any other; a notice says what differs", async () => {
    const other = handmadeProfile(20);
    await storeInFolder(PROFILE);
    const file = path.join(folder, "mine.json");
    await store(file, JSON.stringify(other));
    const { profile, notices } = await profileFinder({ profiles: folder, profile: file })(key);
    expect(profile).toBeUndefined();
    expect(notices).toEqual([expect.stringContaining("steps 20 instead of 8")]);
  });

  it("that is not there is said to be so", async () => {
    const { notices } = await profileFinder({ profile: path.join(folder, "none.json") })(key);
    expect(notices).toEqual([expect.stringContaining("There is no profile")]);
  });
});

it("those that come along are of the bundle that comes along, each where its settings are looked for", async () => {
  const { digest } = await readBundle(new FolderFiles(EMBEDDED_BUNDLE));
  const all = readdirSync(EMBEDDED_PROFILES, { recursive: true, encoding: "utf8" });
  // Measured presets lie beside the profiles; they have a format and a test of their own.
  const files = all.filter((file) => file.endsWith(".json") && path.basename(file) !== "presets.json");
  expect(files).not.toEqual([]);
  for (const file of files) {
    const found = await readProfileFile(path.join(EMBEDDED_PROFILES, file));
    expect(found?.profile.key.bundle).toBe(digest);
    expect(found && profilePath(EMBEDDED_PROFILES, found.profile.key)).toBe(
      path.join(EMBEDDED_PROFILES, file),
    );
  }
});
