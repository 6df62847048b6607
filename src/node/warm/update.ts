/** One object that many change at once: read, change, and written only if nobody was quicker. */

import { MixcacheError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/index.ts";
import { type ReadObject, readObject, type Timing } from "./objects.ts";

export interface Changing {
  readonly store: Pick<ObjectStore, "get" | "putIf" | "putIfAbsent">;
  readonly key: string;
  readonly maxBytes: number;
  /** The new bytes; called again with the newer ones whenever somebody else was quicker. */
  readonly change: (before: ReadObject | undefined) => Uint8Array;
  readonly timing: Timing;
  /** A number in [0, 1): those who met shall not meet again. */
  readonly random: () => number;
}

/** Ten writers at once need ten rounds if each loses to all others. */
const ATTEMPTS = 30;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 2000;

/**
 * Changes the object.
 * @throws MixcacheError `storage_failed` where others were quicker all the time, or what the store or `change` throws
 */
export async function updateObject(changing: Changing, signal = new AbortController().signal): Promise<void> {
  const { store, key, maxBytes, change, timing, random } = changing;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await readObject(store, key, maxBytes);
    const bytes = change(before);
    const written = before ? await store.putIf(key, bytes, before.etag) : await store.putIfAbsent(key, bytes);
    if (written) return;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
    await timing.wait(pauseMs * random(), signal);
  }
  throw new MixcacheError(
    "storage_failed",
    `The object ${key} was changed by others ${ATTEMPTS} times while it was to be changed here. It is tried again later.`,
  );
}
