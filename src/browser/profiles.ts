/** Warm cache profiles on a web server: `<folder>/<bundle digest>/<settings>.json`, as Node has them on disk. */

import { type FoundProfile, type ProfileKey, profileName } from "../engine/cache/profile.ts";
import { readProfile, requireFit } from "../engine/cache/profile-fit.ts";
import { messageOf } from "../errors.ts";
import { sha256Hex } from "../wire/hex.ts";
import type { BundleCache } from "./bundle-cache.ts";
import { download } from "./download.ts";
import { PROFILE_PREFIX } from "./open-bundle.ts";

/**
 * What finds the profile of a run. It never fails: what can't be used is not used, and a notice says why.
 * @param folder with a slash at its end
 */
export function profileFinder(folder: URL, cache: BundleCache | undefined) {
  return async (key: ProfileKey): Promise<FoundProfile> => {
    const address = new URL(profileName(key), folder);
    try {
      const bytes = await profileBytes(address, `${PROFILE_PREFIX}${profileName(key)}`, cache);
      if (bytes.length === 0) return { notices: [] };
      const profile = readProfile(new TextDecoder().decode(bytes), address.href);
      requireFit(profile, key, address.href);
      return { profile, digest: await sha256Hex(bytes), notices: [] };
    } catch (error) {
      return { notices: [`${messageOf(error)} This video was made without it.`] };
    }
  };
}

/** Empty where the server has none, which is kept too: so the same is known without a connection. */
async function profileBytes(
  address: URL,
  name: string,
  cache: BundleCache | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const bytes = (await download(address)) ?? new Uint8Array(0);
    await cache?.put(name, bytes);
    return bytes;
  } catch (error) {
    const kept = await cache?.get(name);
    if (!kept) throw error;
    return kept;
  }
}
