/** Loads the module that MODERATION names. */

import { pathToFileURL } from "node:url";
import type { ServerConfig } from "../config/index.ts";
import { invalid, messageOf } from "../errors.ts";
import { type Moderate, type ModerationHook, moderateBy } from "../moderation.ts";

/** Undefined where none is configured. @throws MixcacheError `invalid_argument`, whose field is MODERATION */
export async function loadModeration({ moderation }: ServerConfig): Promise<Moderate | undefined> {
  if (moderation === undefined) return undefined;
  const { module: file, timeoutSeconds } = moderation;
  const loaded: { moderate?: unknown } = await import(pathToFileURL(file).href).catch((error: unknown) =>
    invalid("MODERATION", `MODERATION is ${file}, which can't be loaded (${messageOf(error)}).`),
  );
  if (!isHook(loaded.moderate))
    invalid("MODERATION", `MODERATION is ${file}, which exports no function called moderate.`);
  return moderateBy(loaded.moderate, () => AbortSignal.timeout(timeoutSeconds * 1000));
}

function isHook(value: unknown): value is ModerationHook {
  return typeof value === "function";
}
