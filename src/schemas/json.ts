/** JSON as clients send it: whole numbers beyond 2^53 keep all their digits. */

import { MixcacheError } from "../errors.ts";

/**
 * A JSON object. A whole number that JavaScript can't hold exactly comes as a string of its digits; a member that is
 * `null` counts as not given.
 * @param nullable members whose `null` means something
 * @throws MixcacheError `invalid_argument` for what is no JSON, or no object
 */
export function objectOfJson(text: string, nullable: readonly string[] = []): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text, exact);
  } catch {
    throw new MixcacheError(
      "invalid_argument",
      "The body is no JSON. Send an object, and say content-type: application/json.",
      {
        field: "body",
      },
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new MixcacheError("invalid_argument", "The body must be a JSON object.", { field: "body" });
  const said = ([name, member]: [string, unknown]) => member !== null || nullable.includes(name);
  return Object.fromEntries(Object.entries(value).filter(said));
}

/** A reviver; the third argument, with the number's source text, is younger than TypeScript's declaration of it. */
function exact(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? source : value;
}
