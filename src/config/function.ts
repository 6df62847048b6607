/** What a function is told. It has no folder that stays, so nothing can be made on its first start and kept. */

import { type Environment, refuse } from "./environment.ts";
import { readServerConfig, type ServerConfig } from "./server.ts";

/**
 * The configuration of a process that only answers and keeps nothing.
 * @throws MixcacheError `invalid_argument`, whose field is the variable
 */
export function readFunctionConfig(environment?: Environment): ServerConfig {
  const config = readServerConfig(environment, "api");
  const needed = [
    ["S3_BUCKET", config.s3],
    ["OPERATOR_KEY", config.operatorKey],
    ["WEBHOOK_KEY", config.webhooks.key],
  ] as const;
  for (const [name, value] of needed)
    if (value === undefined)
      refuse(
        name,
        `${name} is not set. A function has no folder that stays, so it has to be told: set ${name}.`,
      );
  return config;
}
