/** Small objects of a store, read whole: within a limit of bytes and of time. */

import { MixcacheError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/index.ts";

/** Time, passed in. */
export interface Timing {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** An object that was read. */
export interface ReadObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/**
 * The whole object, or undefined where there is none.
 * @throws MixcacheError `storage_failed` where it is larger than the limit, or what the store throws
 */
export async function readObject(
  store: Pick<ObjectStore, "get">,
  key: string,
  maxBytes: number,
): Promise<ReadObject | undefined> {
  const object = await store.get(key);
  if (!object) return undefined;
  const { body, bytes, etag } = object;
  if (bytes > maxBytes) {
    await body.cancel();
    throw new MixcacheError(
      "storage_failed",
      `The object ${key} has ${bytes} bytes, where at most ${maxBytes} are expected. Delete it; it is not what its name says.`,
    );
  }
  return { bytes: new Uint8Array(await new Response(body).arrayBuffer()), etag };
}

/**
 * What the work gives, if it does within this time; work that is too late goes on unheard.
 * @throws MixcacheError `storage_failed`
 */
export async function within<T>(timing: Timing, ms: number, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = timing.wait(ms, done.signal).then(() => {
    throw new MixcacheError(
      "storage_failed",
      `The object store did not answer within ${ms / 1000} s; check that it can be reached.`,
    );
  });
  // One of the two is always late.
  late.catch(() => undefined);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}
