/** What a command is told that asks a running server. */

import { type Environment, readVariables, refuse } from "./environment.ts";

/** What a command needs to ask a running server. */
export interface ClientConfig {
  /** Without a slash at the end. */
  readonly url: string;
  readonly key: string;
}

/**
 * What a command needs to know that asks a running server.
 * @throws MixcacheError `invalid_argument`, whose field is the variable
 */
export function readClientConfig(environment?: Environment): ClientConfig {
  const { MIXCACHE_URL, MIXCACHE_KEY } = readVariables(environment);
  if (MIXCACHE_KEY === undefined)
    refuse(
      "MIXCACHE_KEY",
      "MIXCACHE_KEY is not set. It must be an API key of the server; for accounts and credit, the operator's.",
    );
  return { url: MIXCACHE_URL.replace(/\/+$/, ""), key: MIXCACHE_KEY };
}
