/**
 * Warm cache profiles from an object store, in a folder of this machine. A settings' profile is fetched before the first
 * video that could use it, and stays the same as long as this process lives: what others write back meanwhile is for
 * those who start later. Whatever goes wrong costs a log line, and never a video.
 */

import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import { type Profile, type ProfileKey, profileName } from "../../engine/cache/profile.ts";
import { readProfile, requireFit } from "../../engine/cache/profile-fit.ts";
import type { Log } from "../../logging.ts";
import type { ObjectStore } from "../../storage/index.ts";
import { writeWhole } from "../whole-file.ts";
import { readObject, type Timing, within } from "./objects.ts";
import { type Observations, readObservations } from "./observations.ts";
import { profileText } from "./profile-text.ts";
import { sharpened } from "./sharpen.ts";

export interface FetchedProfilesOptions {
  readonly store: Pick<ObjectStore, "get" | "putIfAbsent">;
  /** Where fetched profiles lie on this machine. */
  readonly folder: string;
  /** Whether what videos showed is used too. */
  readonly sharpen: boolean;
  readonly timing: Timing;
  readonly log: Log;
}

/** Where a settings' profile lies in a store. */
export function profileObject(key: ProfileKey): string {
  return `profiles/${profileName(key)}`;
}

/** Where what videos showed of it lies. */
export function observedObject(key: ProfileKey): string {
  return profileObject(key).replace(/\.json$/, ".observed.json");
}

/** Where a sharpened profile lies, so that a video's trace leads to what it was made with. */
export function usedObject(bundle: string, digest: string): string {
  return `profiles/${bundle}/used/${digest}.json`;
}

/** A profile has some tens of kilobytes. */
export const MAX_PROFILE_BYTES = 4 * 2 ** 20;
const TIMEOUT_MS = 5000;
/** What was not there or failed is asked for again after this. */
const AGAIN_MS = 60_000;

export class FetchedProfiles {
  readonly #options: FetchedProfilesOptions;
  /** By name: when to ask again; never for what was fetched. */
  readonly #askAgainMs = new Map<string, number>();
  readonly #complaints = new Map<string, string>();

  constructor(options: FetchedProfilesOptions) {
    this.#options = options;
  }

  /** Sees to it that the settings' profile lies in the folder, if the store has one. Never rejects. */
  async fetch(key: ProfileKey): Promise<void> {
    const { timing } = this.#options;
    const name = profileName(key);
    if (timing.nowMs() < (this.#askAgainMs.get(name) ?? 0)) return;
    try {
      const found = await within(timing, TIMEOUT_MS, this.#download(key));
      this.#askAgainMs.set(name, found ? Number.POSITIVE_INFINITY : timing.nowMs() + AGAIN_MS);
    } catch (error) {
      this.#askAgainMs.set(name, timing.nowMs() + AGAIN_MS);
      this.#complain(name, error);
    }
  }

  async #download(key: ProfileKey): Promise<boolean> {
    const { store, folder } = this.#options;
    const [name, object] = [profileName(key), profileObject(key)];
    const file = path.join(folder, name);
    const found = await readObject(store, object, MAX_PROFILE_BYTES);
    if (!found) {
      // Whoever deletes a profile from the store wants it gone.
      await rm(file, { force: true });
      return false;
    }
    const profile = readProfile(new TextDecoder().decode(found.bytes), object);
    requireFit(profile, key, object);
    await writeWhole(file, await this.#sharpened(profile, found.bytes));
    return true;
  }

  /** The profile's bytes as they are, or those of one that what videos showed has changed. */
  async #sharpened(profile: Profile, bytes: Uint8Array): Promise<Uint8Array> {
    const { sharpen, store } = this.#options;
    const observed = sharpen ? await this.#observed(profile.key) : undefined;
    const better = observed ? sharpened(profile, observed) : profile;
    if (better === profile) return bytes;
    const text = new TextEncoder().encode(profileText(better));
    const digest = createHash("sha256").update(text).digest("hex");
    await store.putIfAbsent(usedObject(profile.key.bundle, digest), text);
    return text;
  }

  async #observed(key: ProfileKey): Promise<Observations | undefined> {
    const object = observedObject(key);
    try {
      const found = await readObject(this.#options.store, object, MAX_PROFILE_BYTES);
      return found && readObservations(new TextDecoder().decode(found.bytes), object);
    } catch (error) {
      // The calibrated profile is good without.
      this.#complain(object, error);
      return undefined;
    }
  }

  /** One line for each reason, however many videos meet it. */
  #complain(name: string, error: unknown): void {
    const reason = String(error);
    if (this.#complaints.get(name) === reason) return;
    this.#complaints.set(name, reason);
    this.#options.log.warn(
      { profile: name, error },
      "a profile could not be had from the store; videos go on with what is on this machine, or calibrate themselves",
    );
  }
}
