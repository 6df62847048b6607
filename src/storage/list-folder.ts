/** The files of a folder as pages of keys, in the order of the keys' bytes, as S3 lists them. */

import { lstat, readdir, realpath } from "node:fs/promises";
import path from "node:path";
import type { ObjectPage } from "./contract.ts";
import { isMissing } from "./files.ts";

const PAGE_OBJECTS = 1000;

type Listed = ObjectPage["objects"][number];

/**
 * One page: objects whose key begins with the prefix and comes after the cursor.
 * @param cursor the last key of the page before
 */
export async function listFolder(root: string, prefix: string, cursor?: string): Promise<ObjectPage> {
  const objects: Listed[] = [];
  const start = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  const folder = path.join(root, start);
  const real = await realpath(`${folder}${path.sep}`).catch(() => undefined);
  if (real !== path.resolve(folder)) return { objects };
  for await (const object of walk(root, start, prefix, cursor ?? "")) {
    if (objects.length === PAGE_OBJECTS) return { objects, cursor: objects.at(-1)?.key ?? "" };
    objects.push(object);
  }
  return { objects };
}

/** @param at the keys' beginning that this folder stands for: empty, or with a slash at its end */
async function* walk(root: string, at: string, prefix: string, after: string): AsyncGenerator<Listed> {
  const entries = await readdir(path.join(root, at), { withFileTypes: true }).catch((error: unknown) => {
    // Emptied and removed in the meantime.
    if (isMissing(error)) return [];
    throw error;
  });
  const names = entries
    // Links are nobody's objects, and names with a dot in front are the store's own.
    .filter((entry) => (entry.isFile() || entry.isDirectory()) && !entry.name.startsWith("."))
    .map((entry) => at + entry.name + (entry.isDirectory() ? "/" : ""))
    // A folder's slash counts where its keys are compared with those of its neighbours.
    .sort(byBytes);
  for (const name of names) {
    if (!name.startsWith(prefix) && !prefix.startsWith(name)) continue;
    if (name.endsWith("/")) {
      if (name > after || after.startsWith(name)) yield* walk(root, name, prefix, after);
    } else if (name > after) {
      const stats = await lstat(path.join(root, name)).catch(() => undefined);
      if (stats?.isFile()) yield { key: name, bytes: stats.size, modifiedAt: stats.mtime };
    }
  }
}

/** Keys are ASCII, of which JavaScript's order is that of the bytes. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
