/** Removes what lies under a prefix. */

import type { ObjectStore } from "./contract.ts";

/** Every object whose key begins with the prefix. @throws MixcacheError `storage_failed` */
export async function removeAll(store: Pick<ObjectStore, "list" | "delete">, prefix: string): Promise<void> {
  const { objects, cursor } = await store.list(prefix);
  for (const { key } of objects) await store.delete(key);
  if (cursor !== undefined) await removeAll(store, prefix);
}
