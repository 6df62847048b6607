/** A bundle at an address, with everything that a video needs of it. */

import { type Bundle, type CheckedManifest, MANIFEST_FILE, readManifest } from "../engine/bundle/read.ts";
import { MixcacheError } from "../errors.ts";
import { sha256Hex } from "../wire/hex.ts";
import type { BundleCache } from "./bundle-cache.ts";
import { type DownloadProgress, FetchedFiles } from "./bundle-files.ts";
import { download } from "./download.ts";
import { neededFiles } from "./needed-files.ts";

/** What profiles are called in the cache. */
export const PROFILE_PREFIX = "profile/";

/**
 * Opens a bundle: the manifest is asked for at every visit, since a newer bundle may lie there, and the kept one used
 * where nobody answers. Files of an older bundle are dropped once the newer one is here.
 * @param address the bundle's folder, with a slash at its end
 * @throws MixcacheError like `readManifest` and `FetchedFiles.prefetch`
 */
export async function openBundle(
  address: URL,
  cache: BundleCache | undefined,
  onProgress?: (progress: DownloadProgress) => void,
): Promise<Bundle> {
  const bytes = await manifestBytes(address, cache);
  const checked = await checkedManifest(address, bytes);
  const files = new FetchedFiles(checked.manifest, address, cache);
  await files.prefetch(neededFiles(checked.manifest), onProgress);
  if (bytes) await cache?.put(MANIFEST_FILE, bytes);
  const digests = new Set(Object.values(checked.manifest.files).map(({ sha256 }) => sha256));
  await cache?.keepOnly(
    (name) =>
      digests.has(name) || name === MANIFEST_FILE || name.startsWith(`${PROFILE_PREFIX}${checked.digest}/`),
  );
  return { ...checked, files };
}

async function manifestBytes(
  address: URL,
  cache: BundleCache | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await download(new URL(MANIFEST_FILE, address));
  } catch (error) {
    const kept = await cache?.get(MANIFEST_FILE);
    if (!kept || !(error instanceof MixcacheError)) throw error;
    return kept;
  }
}

function checkedManifest(address: URL, bytes: Uint8Array<ArrayBuffer> | undefined): Promise<CheckedManifest> {
  return readManifest({
    location: address.href,
    read: async () => bytes,
    digest: async () => bytes && { bytes: bytes.length, sha256: await sha256Hex(bytes) },
  });
}
