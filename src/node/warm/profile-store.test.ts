import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemTiming } from "../../../test/support/bundle-stores.ts";
import type { FolderStore } from "../../storage/index.ts";
import { observedObject, profileObject, usedObject } from "./fetched-profiles.ts";
import { writeObservations } from "./observations.ts";
import { listProfiles, pullProfile, pushProfile } from "./profile-store.ts";
import { profileText } from "./profile-text.ts";
import { BUNDLE, openFolderStore, profileOf, seenAt } from "./testing.ts";

let store: FolderStore;
let folder: string;
beforeEach(async () => {
  store = await openFolderStore();
  folder = path.join(store.folder, ".folder");
  await mkdir(folder);
});
afterEach(() => rm(store.folder, { recursive: true }));

async function fileOf(name: string, text: string): Promise<string> {
  await writeFile(path.join(folder, name), text);
  return path.join(folder, name);
}

const variant = (digest: string) => profileText(profileOf(8, { prompts: { count: 2, digest } }));
const push = (file: string) => pushProfile(file, { store, timing: systemTiming, random: Math.random });
const KEY = profileObject(profileOf(8).key);
const SETTINGS = path.basename(KEY, ".json");

async function stored(): Promise<string | undefined> {
  const object = await store.get(KEY);
  return object && new Response(object.body).text();
}

describe("push", () => {
  it("puts a profile where workers look, says when nothing changed, and replaces another", async () => {
    const [a, b] = [await fileOf("a.json", variant("a")), await fileOf("b.json", variant("b"))];
    expect(await push(a)).toEqual({ key: KEY, changed: true });
    expect(await push(a)).toEqual({ key: KEY, changed: false });
    expect(await push(b)).toEqual({ key: KEY, changed: true });
    expect(await stored()).toBe(variant("b"));
  });

  it("by ten at once leaves one of theirs, whole", async () => {
    const texts = Array.from({ length: 10 }, (_, i) => variant(`person ${i}`));
    const files = await Promise.all(texts.map((text, i) => fileOf(`${i}.json`, text)));
    await Promise.all(files.map(push));
    expect(texts).toContain(await stored());
  });

  it("refuses what is no profile before the store hears of it", async () => {
    const file = await fileOf("cut.json", variant("a").slice(0, 300));
    await expect(push(file)).rejects.toMatchObject({ code: "profile_invalid" });
    expect(await stored()).toBeUndefined();
  });
});

describe("list", () => {
  it("has the profiles and how many videos were observed, and nothing else that lies there", async () => {
    await push(await fileOf("a.json", variant("a")));
    await push(await fileOf("b.json", profileText(profileOf(9))));
    await store.put(observedObject(profileOf(8).key), writeObservations({ ...seenAt(3, -8), runs: 17 }));
    await store.put(usedObject(BUNDLE, "cd".repeat(32)), new Uint8Array(3));
    await store.put(`profiles/${BUNDLE}/notes.txt`, new Uint8Array(3));
    const listed = await listProfiles(store);
    expect(listed.map(({ settings, observedRuns }) => [settings, observedRuns])).toEqual([
      [SETTINGS, 17],
      [SETTINGS.replace("-8-", "-9-"), undefined],
    ]);
    expect(await listProfiles(store, BUNDLE.slice(0, 8))).toEqual(listed);
    expect(await listProfiles(store, "00")).toEqual([]);
  });
});

describe("pull", () => {
  const pull = (replace = false) =>
    pullProfile(store, { bundle: BUNDLE, settings: SETTINGS }, folder, replace);

  it("brings a profile where runs look for it, and replaces another only where it is told to", async () => {
    const file = path.join(folder, BUNDLE, `${SETTINGS}.json`);
    await push(await fileOf("a.json", variant("a")));
    expect(await pull()).toEqual({ file, outcome: "written" });
    expect(await pull()).toEqual({ file, outcome: "same" });
    await writeFile(file, variant("mine"));
    expect(await pull()).toEqual({ file, outcome: "kept" });
    expect(await readFile(file, "utf8")).toBe(variant("mine"));
    expect(await pull(true)).toEqual({ file, outcome: "written" });
    expect(await readFile(file, "utf8")).toBe(variant("a"));
  });

  it("refuses a profile that lies under other settings, or is cut off", async () => {
    await store.put(KEY, new TextEncoder().encode(profileText(profileOf(9))));
    await expect(pull()).rejects.toMatchObject({ code: "profile_mismatch" });
    await store.put(KEY, new TextEncoder().encode(variant("a").slice(0, 300)));
    await expect(pull()).rejects.toMatchObject({ code: "profile_invalid" });
  });
});
