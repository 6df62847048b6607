/** What a caller says about caching. */

import { invalid } from "../../errors.ts";

/** A policy by name, with its options beside it: `{ policy: "teacache", threshold: 0.1 }`. */
export interface CacheRequest {
  readonly policy: string;
  readonly [option: string]: unknown;
}

/** What runs get that say nothing: all that MixCache can do on their model, at a quality that is hard to tell apart. */
export const DEFAULT_CACHE: CacheRequest = { policy: "mixcache", preset: "high" };

/**
 * A request's `cache` in its one form; a name alone is that policy with its defaults. Whether the policy exists and
 * takes these options is asked when it is made.
 * @throws MixcacheError `invalid_argument` for what is neither a name nor an object with one
 */
export function cacheRequest(given: unknown): CacheRequest {
  if (given === undefined) return DEFAULT_CACHE;
  if (typeof given === "string") return { policy: given };
  if (isRequest(given)) return given;
  return invalid(
    "cache",
    'cache must be the name of a policy, such as "mixcache" or "off", or an object that has it as policy: {"policy": "mixcache", "speed": 2}.',
  );
}

function isRequest(given: unknown): given is CacheRequest {
  return typeof given === "object" && given !== null && "policy" in given && typeof given.policy === "string";
}
