/** Warm cache profiles on disk: `<folder>/<bundle digest>/<settings>.json`. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type FoundProfile, type Profile, type ProfileKey, profileName } from "../engine/cache/profile.ts";
import { readProfile, requireFit } from "../engine/cache/profile-fit.ts";
import { MixcacheError, messageOf } from "../errors.ts";
import { EMBEDDED_PROFILES } from "./embedded.ts";

export interface ProfilePlaces {
  /** Where the user's own profiles are; they go before those that come along. */
  readonly profiles?: string;
  /** Where those lie that were fetched from an object store; they go after the user's own. */
  readonly fetchedProfiles?: string;
  /** A file that is used instead of all others. */
  readonly profile?: string;
}

/** Where in a folder of profiles the one for these settings is, or would be. */
export function profilePath(folder: string, key: ProfileKey): string {
  return path.join(folder, profileName(key));
}

/** What finds the profile of a run. It never fails: what can't be used is not used, and a notice says why. */
export function profileFinder({ profiles, fetchedProfiles, profile: file }: ProfilePlaces) {
  return async (key: ProfileKey): Promise<FoundProfile> => {
    const folders = [profiles, fetchedProfiles, EMBEDDED_PROFILES].filter((folder) => folder !== undefined);
    const files = file === undefined ? folders.map((folder) => profilePath(folder, key)) : [file];
    const notices: string[] = [];
    for (const candidate of files) {
      try {
        const found = await readProfileFile(candidate);
        if (!found && file === undefined) continue;
        if (!found) throw new MixcacheError("profile_invalid", `There is no profile ${candidate}.`);
        requireFit(found.profile, key, candidate);
        return { ...found, notices };
      } catch (error) {
        notices.push(`${messageOf(error)} This video was made without it.`);
      }
    }
    return { notices };
  };
}

/**
 * A profile and the digest of its file; undefined where there is no such file.
 * @throws MixcacheError `profile_invalid`, `profile_mismatch`
 */
export async function readProfileFile(
  file: string,
): Promise<{ readonly profile: Profile; readonly digest: string } | undefined> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return undefined;
    throw new MixcacheError(
      "profile_invalid",
      `The profile ${file} can't be read (${cause.message}). Allow this user to read it.`,
      { cause },
    );
  });
  if (!bytes) return undefined;
  const profile = readProfile(bytes.toString("utf8"), file);
  return { profile, digest: createHash("sha256").update(bytes).digest("hex") };
}
