/** Finds contestants that can't run before any engine time is spent on them. */

import type { Manifest } from "../engine/bundle/manifest.ts";
import { createPolicy } from "../engine/cache/policies.ts";
import { resolveSettings } from "../engine/settings.ts";
import { MixcacheError } from "../errors.ts";
import type { Contestant } from "./contestants.ts";
import { type BaseRequest, requestOf } from "./plan.ts";

/**
 * Only what a policy needs of a warm profile is left for the run to say: the engine looks for it, not the lab.
 * @throws MixcacheError `invalid_argument` with the contestant's name, for a policy or an option that does not exist
 */
export function checkContestants(
  manifest: Manifest,
  base: BaseRequest,
  contestants: readonly Contestant[],
): void {
  for (const who of contestants) {
    const settings = resolveSettings(manifest, requestOf(base, { prompt: "any", seed: 0 }, who));
    try {
      createPolicy(settings.cache, { manifest, settings, profile: undefined });
    } catch (error) {
      if (!(error instanceof MixcacheError && error.code === "invalid_argument")) continue;
      throw new MixcacheError(error.code, `${who.label}: ${error.message}`, { cause: error });
    }
  }
}
