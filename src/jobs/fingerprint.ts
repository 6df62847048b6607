/**
 * Fingerprints of requests, for telling a repetition from another wish. They are taken over what was understood, not
 * over what was sent: fields in any order, JSON or a form with a new boundary give the same.
 */

import { createHash } from "node:crypto";

/**
 * SHA-256 in hex of a parsed request. Give it what the caller said, before anything random is filled in, or two
 * sendings of one wish would differ.
 * A field that is undefined counts as one that is not there.
 * @throws TypeError for what is no data: functions, numbers that JSON can't write
 */
export function fingerprint(request: object): string {
  return createHash("sha256").update(canonical(request)).digest("hex");
}

/** JSON with sorted keys and nothing between; a bigint is written as the number that it is. */
function canonical(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object") return fields(value);
  const plain =
    typeof value === "number" ? Number.isFinite(value) : ["string", "boolean"].includes(typeof value);
  if (!plain) throw new TypeError(`A ${typeof value} (${String(value)}) is no part of a request.`);
  return JSON.stringify(value);
}

function fields(value: object): string {
  const said = Object.entries(value).filter(([, field]) => field !== undefined);
  const sorted = said.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(",")}}`;
}
