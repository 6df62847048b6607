/** What a policy is to people: a name, options with their published defaults, and how it is made for a run. */

import type { ZodType } from "zod";
import type { Manifest } from "../bundle/manifest.ts";
import type { Settings } from "../settings.ts";
import type { CachePolicy } from "./contract.ts";
import type { Profile } from "./profile.ts";

/** What a policy may know before the run. */
export interface PolicyContext {
  readonly manifest: Manifest;
  readonly settings: Settings;
  /** Measured with these settings by `mixcache calibrate`; it has been checked to fit. */
  readonly profile: Profile | undefined;
}

/**
 * The one option that trades quality for speed. The bench turns it to reach a speedup, and shows the whole curve;
 * `slow` computes the most of all, `fast` the least.
 */
export interface Dial {
  readonly option: string;
  readonly slow: number;
  readonly fast: number;
  readonly scale: "linear" | "logarithmic" | "integer";
}

export interface PolicyDefinition<Options extends object> {
  /** As it is written in requests: lower case, words joined by hyphens. */
  readonly name: string;
  readonly title: string;
  /** Where the method is from. */
  readonly source: string;
  /** Strict, with a default for everything that has a published one. */
  readonly options: ZodType<Options>;
  /**
   * True where whole steps are reused, so that the option `predictor: "mixcache"` can exchange what stands in for them
   * and leave the decisions as they are.
   */
  readonly assistable?: boolean;
  /** Absent where there is nothing to trade. */
  readonly dial?: Dial;
  /**
   * Makes the policy for one run.
   * @throws MixcacheError `profile_missing` where it can't do without measured values, `invalid_argument` for options
   * that this bundle can't follow.
   */
  create(options: Options, context: PolicyContext): CachePolicy;
}

/** Keeps the type of the options while definitions are written down. */
export function definePolicy<Options extends object>(
  definition: PolicyDefinition<Options>,
): PolicyDefinition<Options> {
  return definition;
}
