/**
 * API keys: what they look like says `wire/key.ts`. 160 of their 200 random bits stay secret when the prefix is shown.
 * We keep the SHA-256 alone: random keys need no slow hash.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { ALPHABET, BODY_CHARACTERS, keyText } from "../wire/key.ts";

const RANDOM_BYTES = (BODY_CHARACTERS * 5) / 8;
const SHOWN_CHARACTERS = 8;
/** `mx_` and the cell. */
const HEAD_CHARACTERS = 4;

/** A new key. Its text is shown once and kept nowhere. */
export interface NewKey {
  readonly secret: string;
  /** `mx_`, the cell and 8 characters, by which people know it again. */
  readonly prefix: string;
  /** SHA-256 in hex. */
  readonly hash: string;
}

/** @param randomBytes so many random bytes, fit for secrets. @param cell where its account lives */
export function newKey(randomBytes: (count: number) => Uint8Array, cell: string): NewKey {
  const secret = keyText(cell, inBase32(randomBytes(RANDOM_BYTES)));
  return { secret, prefix: secret.slice(0, HEAD_CHARACTERS + SHOWN_CHARACTERS), hash: keyHash(secret) };
}

/** What is kept of a key. */
export function keyHash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Whether two secrets are the same, in a time that says nothing of where they part. */
export function sameSecret(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(keyHash(one)), Buffer.from(keyHash(other)));
}

/** Whole groups of five bytes, so that nothing is padded. */
function inBase32(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 5) {
    let group = 0n;
    for (const byte of bytes.subarray(at, at + 5)) group = (group << 8n) | BigInt(byte);
    for (let shift = 35n; shift >= 0n; shift -= 5n) text += ALPHABET[Number((group >> shift) & 31n)];
  }
  return text;
}
