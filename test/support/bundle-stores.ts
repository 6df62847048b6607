/** Stores of bundles that behave as networks do. */

import { setTimeout as wait } from "node:timers/promises";
import type { Timing } from "../../src/node/index.ts";
import { FolderStore, type ObjectStore, type StoredObject } from "../../src/storage/index.ts";

/** The part of a store that bundles need. */
export type BundleStore = Pick<ObjectStore, "get" | "head" | "list" | "put" | "putIfAbsent">;

export const systemTiming: Timing = {
  nowMs: Date.now,
  wait: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
};

export function openStoreAt(folder: string): Promise<FolderStore> {
  return FolderStore.open({ folder, publicUrl: "http://localhost" });
}

/** A store whose objects go through a function as they are read. */
export function through(
  store: ObjectStore,
  change: (body: ReadableStream<Uint8Array>, object: StoredObject) => AsyncIterable<Uint8Array>,
): BundleStore {
  return {
    head: (key) => store.head(key),
    list: (prefix, cursor) => store.list(prefix, cursor),
    put: (key, body, options) => store.put(key, body, options),
    putIfAbsent: (key, body, options) => store.putIfAbsent(key, body, options),
    get: async (key, options) => {
      const object = await store.get(key, options);
      return object && { ...object, body: streamOf(change(object.body, object)) };
    },
  };
}

function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Gives so many bytes of files, then says so and gives nothing more, for ever. */
export function stalling(store: ObjectStore, afterBytes: number, onStall: () => void): BundleStore {
  let left = afterBytes;
  return through(store, async function* (body, { key }) {
    for await (const chunk of body) {
      if (key.startsWith("files/")) left -= chunk.byteLength;
      if (left < 0) {
        onStall();
        await new Promise(() => setInterval(() => {}, 60_000));
      }
      yield chunk;
    }
  });
}

/** Breaks every read off after so many bytes. */
export function breaking(store: ObjectStore, everyBytes: number): BundleStore {
  return through(store, async function* (body) {
    let given = 0;
    for await (const chunk of body) {
      yield chunk;
      given += chunk.byteLength;
      if (given >= everyBytes) throw new Error("ECONNRESET");
    }
  });
}
