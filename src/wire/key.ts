/**
 * What an API key looks like: `mx_`, the label of its account's cell, 40 characters, 7 characters of a checksum.
 * Characters are a–z and 2–7 (RFC 4648 in lower case), so that a key survives shells, URLs and a double click. The
 * checksum is CRC-32 of what stands before it, without `mx_`: a mistyped or cut key is told without asking anybody.
 * Keys that were made before they carried a cell lack the label; they are of the default one.
 */

import { MixcacheError } from "../errors.ts";
import { DEFAULT_CELL } from "./cell.ts";

/** Of keys, of RFC 4648. */
export const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
/** Between the label and the checksum. */
export const BODY_CHARACTERS = 40;
const CHECKSUM_CHARACTERS = 7;
const KEY = new RegExp(`^mx_(([a-z0-9]?)[a-z2-7]{${BODY_CHARACTERS}})([a-z2-7]{${CHECKSUM_CHARACTERS}})$`);

/** A key's text. @param body 40 characters */
export function keyText(cell: string, body: string): string {
  return `mx_${cell}${body}${checksum(cell + body)}`;
}

/** The cell that a key names; undefined for what can be no key, by its form or its checksum. */
export function cellOfKey(text: string): string | undefined {
  const [, checked, cell, sum] = KEY.exec(text) ?? [];
  return checked !== undefined && checksum(checked) === sum ? cell || DEFAULT_CELL : undefined;
}

/**
 * The secret of `authorization: Bearer …`; undefined where there is none, or more than one.
 */
export function bearerOf(header: string | null | undefined): string | undefined {
  return /^bearer +(\S+)$/i.exec(header ?? "")?.[1];
}

/** Where a request has no key. */
export function keyMissing(): MixcacheError {
  return new MixcacheError(
    "invalid_api_key",
    "There is no API key in the request. Send it as authorization: Bearer mx_….",
  );
}

/** Where it has one that nobody knows. */
export function keyInvalid(): MixcacheError {
  return new MixcacheError(
    "invalid_api_key",
    "This API key is not valid here: it is mistyped, revoked, or of another server.",
  );
}

function checksum(text: string): string {
  const sum = crc32(text);
  const groups = Array.from({ length: CHECKSUM_CHARACTERS }, (_, at) => at * 5).reverse();
  // Beyond bit 31 a shift would begin again.
  return groups.map((bits) => ALPHABET[bits > 31 ? 0 : (sum >>> bits) & 31]).join("");
}

/** Of ASCII; the polynomial of zlib and PNG. */
function crc32(text: string): number {
  let sum = -1;
  for (let at = 0; at < text.length; at++) {
    sum ^= text.charCodeAt(at);
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}
