/** The options that say what is reused: `--cache`, `--speed`, `--preset`, `--cache-options`. */

import { type Command, Option } from "commander";
import { PRESETS } from "../engine/cache/mixcache/index.ts";
import { fullRequest, POLICIES } from "../engine/cache/policies.ts";
import type { CacheRequest } from "../engine/cache/request.ts";
import { invalid } from "../errors.ts";
import { number } from "./options.ts";

export interface CacheOptions {
  readonly cache?: string;
  readonly speed?: number;
  readonly preset?: string;
  readonly cacheOptions?: string;
}

/** The policy that the other options are about where none is named. */
const DEFAULT_POLICY = "mixcache";

export function withCacheOptions(command: Command): Command {
  return command
    .option("--cache <policy>", `${POLICIES.map(({ name }) => name).join(", ")} (default: mixcache)`)
    .option("--speed <number>", "how many times less MixCache computes, 1 to 6", number("speed"))
    .addOption(
      new Option("--preset <name>", "a word for a speed of MixCache (default: high)").choices(
        Object.keys(PRESETS),
      ),
    )
    .option("--cache-options <json>", "all other options of the policy: mixcache policies lists them");
}

/**
 * What was asked for, or undefined where nothing was.
 * @throws MixcacheError `invalid_argument` for what contradicts itself, and for a policy or an option that is not there
 */
export function cacheOf({ cache, speed, preset, cacheOptions }: CacheOptions): CacheRequest | undefined {
  const given = { ...(speed !== undefined && { speed }), ...(preset !== undefined && { preset }) };
  const more = cacheOptions === undefined ? {} : parse(cacheOptions);
  if ([cache, speed, preset, cacheOptions].every((option) => option === undefined)) return undefined;
  if (speed !== undefined && preset !== undefined)
    invalid("speed", `--speed ${speed} and --preset ${preset} both say how fast. Leave one of them out.`);
  const policy = cache ?? DEFAULT_POLICY;
  const [option] = Object.keys(given);
  if (option !== undefined && policy !== DEFAULT_POLICY)
    invalid(
      option,
      `--${option} is for MixCache, and --cache is ${policy}. Leave one of them out, or say it by --cache-options.`,
    );
  const twice = Object.keys(given).find((name) => Object.hasOwn(more, name));
  if (twice !== undefined)
    invalid(twice, `--${twice} is in --cache-options too. Leave it out of one of them.`);
  const request = { ...more, ...given, policy };
  // Refuses what there is not before an engine is started for it.
  fullRequest(request);
  return request;
}

function parse(text: string): object {
  const options = json(text);
  if (typeof options !== "object" || options === null || Array.isArray(options))
    invalid(
      "cache-options",
      `--cache-options is “${text}”; write an object of JSON, such as '{"threshold": 0.1}'.`,
    );
  if ("policy" in options)
    invalid("cache-options", "--cache-options has a policy. Name the policy by --cache.");
  return options;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
