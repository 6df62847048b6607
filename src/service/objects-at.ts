/** The store that a URL names. */

import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { ServerConfig } from "../config/index.ts";
import { invalid } from "../errors.ts";
import { FolderStore, type ObjectStore, S3Store } from "../storage/index.ts";

/**
 * Opens `s3://bucket/prefix`, reached like the store of videos, or `file:///folder`.
 * @param field the variable or option that it was given by
 * @throws MixcacheError `invalid_argument`, `storage_failed`, `storage_full`
 */
export async function openObjectsAt(url: string, config: ServerConfig, field: string): Promise<ObjectStore> {
  const { protocol, hostname: bucket, pathname } = new URL(url);
  if (protocol === "s3:") {
    const { prefix: _, ...reached } = config.s3 ?? {};
    const prefix = pathname.replace(/^\/+|\/+$/g, "");
    return new S3Store({ ...reached, bucket, ...(prefix !== "" && { prefix: `${prefix}/` }) });
  }
  // Nobody is ever given a URL into it, so there is nothing to sign and no key to keep.
  return FolderStore.open({ folder: folderOf(url, field), publicUrl: url, signingKey: randomBytes(32) });
}

function folderOf(url: string, field: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return invalid(field, `${field} is ${url}; after file:// there must be the whole path of a folder.`);
  }
}
