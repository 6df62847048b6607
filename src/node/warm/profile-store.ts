/** Profiles between a folder and a store, one at a time, as a person asks for it. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { profileName } from "../../engine/cache/profile.ts";
import { readProfile } from "../../engine/cache/profile-fit.ts";
import { MixcacheError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/index.ts";
import { writeWhole } from "../whole-file.ts";
import { MAX_PROFILE_BYTES, profileObject, usedObject } from "./fetched-profiles.ts";
import { readObject } from "./objects.ts";
import { readObservations } from "./observations.ts";
import { type Changing, updateObject } from "./update.ts";

/** A profile as it lies in a store. */
export interface ListedProfile {
  readonly bundle: string;
  /** The settings, as the file is named. */
  readonly settings: string;
  readonly bytes: number;
  readonly modifiedAt: Date;
  /** Videos whose statistics lie beside it; undefined where there are none, or they can't be read. */
  readonly observedRuns?: number;
}

const PREFIX = "profiles/";

/**
 * Puts a profile's file where workers look for it.
 * @returns the object's key, and whether it said something else before
 * @throws MixcacheError `profile_invalid`, `profile_mismatch`, or what the store says
 */
export async function pushProfile(
  file: string,
  changing: Pick<Changing, "store" | "timing" | "random">,
): Promise<{ readonly key: string; readonly changed: boolean }> {
  const bytes = await readFile(file);
  const key = profileObject(readProfile(bytes.toString("utf8"), file).key);
  const there = await readObject(changing.store, key, MAX_PROFILE_BYTES);
  if (there && bytes.equals(there.bytes)) return { key, changed: false };
  await updateObject({ ...changing, key, maxBytes: MAX_PROFILE_BYTES, change: () => bytes });
  return { key, changed: true };
}

/**
 * Every profile of a store, or those of one bundle.
 * @param bundle the beginning of its digest
 */
export async function listProfiles(
  store: Pick<ObjectStore, "get" | "list">,
  bundle = "",
): Promise<readonly ListedProfile[]> {
  const found: ListedProfile[] = [];
  for await (const { key, bytes, modifiedAt } of objectsOf(store)) {
    const [, digest = "", settings = ""] = /^profiles\/([0-9a-f]{64})\/([^/]+)\.json$/.exec(key) ?? [];
    if (settings === "" || settings.endsWith(".observed") || !digest.startsWith(bundle)) continue;
    const observedRuns = await runsOf(store, key.replace(/\.json$/, ".observed.json"));
    found.push({
      bundle: digest,
      settings,
      bytes,
      modifiedAt,
      ...(observedRuns !== undefined && { observedRuns }),
    });
  }
  return found;
}

/**
 * Brings a profile into a folder.
 * @param replace whether another file may be replaced that is there
 * @returns the file, and what became of it
 * @throws MixcacheError `profile_invalid`, `profile_mismatch`, or what the store says
 */
export async function pullProfile(
  store: Pick<ObjectStore, "get">,
  { bundle, settings }: Pick<ListedProfile, "bundle" | "settings">,
  folder: string,
  replace: boolean,
): Promise<{ readonly file: string; readonly outcome: "written" | "same" | "kept" }> {
  const key = `${PREFIX}${bundle}/${settings}.json`;
  const found = await readObject(store, key, MAX_PROFILE_BYTES);
  if (!found) throw new MixcacheError("profile_invalid", `There is no profile ${key} in the store any more.`);
  const profile = readProfile(new TextDecoder().decode(found.bytes), key);
  if (profileObject(profile.key) !== key)
    throw new MixcacheError(
      "profile_mismatch",
      `The profile ${key} is one of ${profileName(profile.key)}. Delete it, and push that one again.`,
    );
  const file = path.join(folder, bundle, `${settings}.json`);
  const there = await readFile(file).catch(() => undefined);
  if (there?.equals(found.bytes)) return { file, outcome: "same" };
  if (there && !replace) return { file, outcome: "kept" };
  await writeWhole(file, found.bytes);
  return { file, outcome: "written" };
}

/**
 * The profile that a video's trace names, where it was one that videos had sharpened.
 * @param digest of the profile's file, as the trace has it
 * @throws MixcacheError `profile_missing` where the store has none
 */
export async function pullUsed(
  store: Pick<ObjectStore, "get" | "list">,
  digest: string,
  file: string,
): Promise<void> {
  for await (const { key } of objectsOf(store)) {
    const bundle = key.split("/")[1] ?? "";
    const isNamed = key === usedObject(bundle, digest);
    const isProfile = isNamed || /^profiles\/[^/]+\/[^/]+(?<!\.observed)\.json$/.test(key);
    const found = isProfile ? await readObject(store, key, MAX_PROFILE_BYTES) : undefined;
    if (!found || createHash("sha256").update(found.bytes).digest("hex") !== digest) continue;
    await writeWhole(file, found.bytes);
    return;
  }
  throw new MixcacheError(
    "profile_missing",
    `There is no profile with the digest ${digest} in the store. It may be one of a worker's own folder, or one that came along with the package.`,
  );
}

async function* objectsOf(store: Pick<ObjectStore, "list">) {
  let cursor: string | undefined;
  do {
    const page = await store.list(PREFIX, cursor);
    yield* page.objects;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

async function runsOf(store: Pick<ObjectStore, "get">, key: string): Promise<number | undefined> {
  try {
    const found = await readObject(store, key, MAX_PROFILE_BYTES);
    return found && readObservations(new TextDecoder().decode(found.bytes), key).runs;
  } catch {
    return undefined;
  }
}
