/** What the tests of this folder share; nothing else imports it. */

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { handmadeProfile } from "../../../test/support/policies.ts";
import type { Profile } from "../../engine/cache/profile.ts";
import { MixcacheError } from "../../errors.ts";
import { createLog, type Log } from "../../logging.ts";
import { FolderStore, type ObjectStore } from "../../storage/index.ts";
import { OBSERVED_FORMAT, type Observations } from "./observations.ts";

export const BUNDLE = "ab".repeat(32);

/** A profile whose key may be a part of an object's. */
export function profileOf(steps: number, changes: Partial<Profile> = {}): Profile {
  const profile = handmadeProfile(steps, changes);
  return { ...profile, key: { ...profile.key, bundle: BUNDLE } };
}

/** Sums of one video that was off by this level at this step. */
export function seenAt(step: number, level: number, steps = 8): Observations {
  return {
    format: OBSERVED_FORMAT,
    key: profileOf(steps).key,
    runs: 1,
    deviations: { 1: { [step]: { [level]: 1 } } },
  };
}

export async function openFolderStore(folder?: string): Promise<FolderStore> {
  const place = folder ?? (await mkdtemp(path.join(tmpdir(), "mixcache-warm-store-")));
  return FolderStore.open({ folder: place, publicUrl: "http://localhost" });
}

/** A store that can't be reached. */
export const UNREACHABLE: Pick<ObjectStore, "get" | "putIf" | "putIfAbsent"> = {
  get: refuse,
  putIf: refuse,
  putIfAbsent: refuse,
};

async function refuse(): Promise<never> {
  throw new MixcacheError("storage_failed", "The bucket could not be reached (ECONNREFUSED).");
}

/** A log that can be read. */
export function readableLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, log: createLog({ level: "debug", destination: { write: (line) => lines.push(line) } }) };
}
