/** Keys of objects: what they may be made of, and what their endings say. */

import { z } from "zod";
import { invalid } from "../errors.ts";

/** The longest key; S3 would take 1024 bytes, and a file's path needs room for its folder. */
export const MAX_KEY_CHARACTERS = 512;

/**
 * Parts between slashes, of letters, digits, dots, dashes and underscores; none begins with a dot. So no key can leave
 * its folder, name a hidden file, or mean two things to two systems.
 */
const keySchema = z
  .string()
  .max(MAX_KEY_CHARACTERS)
  .regex(/^(?!\.)[\w.-]{1,128}(?:\/(?!\.)[\w.-]{1,128})*$/);

/** The beginning of a key; the empty one is of every key. */
const prefixSchema = z
  .string()
  .max(MAX_KEY_CHARACTERS)
  .regex(/^(?:(?!\.)[\w.-]{1,128}(?:\/(?!\.)[\w.-]{1,128})*\/?)?$/);

/** Whether an object can have this key. */
export function isKey(key: string): boolean {
  return keySchema.safeParse(key).success;
}

/** @throws MixcacheError `invalid_argument`, field "key" */
export function checkKey(key: string): string {
  if (!isKey(key))
    invalid(
      "key",
      `${JSON.stringify(key).slice(0, 80)} is no key of an object; use letters, digits, dots, dashes and underscores, parted by slashes.`,
    );
  return key;
}

/** @throws MixcacheError `invalid_argument`, field "prefix" */
export function checkPrefix(prefix: string): string {
  if (!prefixSchema.safeParse(prefix).success)
    invalid("prefix", `${JSON.stringify(prefix).slice(0, 80)} is the beginning of no object's key.`);
  return prefix;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  mp4: "video/mp4",
  webp: "image/webp",
  png: "image/png",
  json: "application/json",
};

/** The content type that a key's ending says. */
export function contentTypeOf(key: string): string {
  const ending = key.slice(key.lastIndexOf(".") + 1);
  return (Object.hasOwn(CONTENT_TYPES, ending) && CONTENT_TYPES[ending]) || "application/octet-stream";
}
