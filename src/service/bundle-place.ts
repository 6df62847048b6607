/** The folder of the bundle that is served: as it is, or fetched. */

import type { ServerConfig } from "../config/index.ts";
import { EMBEDDED_BUNDLE, type PullOptions, pullBundle, pullManifest } from "../node/index.ts";
import { systemTimers } from "../worker/index.ts";
import { openObjectsAt } from "./objects-at.ts";

/**
 * Fetches what isn't there. Who only answers for the model needs no more of it than its manifest.
 * @throws MixcacheError `bundle_not_found`, `bundle_file_missing`, `bundle_digest_mismatch`, `storage_failed`,
 * `storage_full`
 */
export async function bundlePlace(config: ServerConfig, say: (line: string) => void): Promise<string> {
  const { bundle = EMBEDDED_BUNDLE, bundleCache: cache, role } = config;
  if (typeof bundle === "string") return bundle;
  const { url, digest } = bundle;
  const store = await openObjectsAt(url, config, "BUNDLE");
  const options: PullOptions = { objects: { store, url }, digest, cache, timing: systemTimers, say };
  if (role === "api") return pullManifest(options);
  const startedMs = Date.now();
  const { folder, fetchedBytes, totalBytes } = await pullBundle(options);
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  say(`Bundle: ${megabytes(fetchedBytes)} of ${megabytes(totalBytes)} fetched in ${seconds} s, in ${folder}`);
  return folder;
}
