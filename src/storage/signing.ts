/**
 * Signed URLs of the folder store: HMAC-SHA256 over everything that the URL says. There is one way to write a signed
 * URL; whatever differs from it in a single character is refused.
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { invalid } from "../errors.ts";
import type { SignedUrlOptions } from "./contract.ts";
import { checkKey } from "./keys.ts";

/** Where signed URLs are served. */
export const OBJECTS_PATH = "/objects/";

/** The longest that a URL may be good for: a week, as with S3. */
export const MAX_EXPIRY_SECONDS = 7 * 24 * 3600;

/** What a URL gives leave to. */
export interface Grant {
  readonly key: string;
  /** Unix time in seconds; from then on the URL is good for nothing. */
  readonly expires: number;
  readonly filename?: string;
  readonly contentType?: string;
}

const filenameSchema = z
  .string()
  .min(1)
  .max(128)
  // Control characters and slashes are no part of a file's name, and half a surrogate pair can't be in a URL.
  .regex(/^[^\p{Cc}\p{Cs}/\\]+$/u);

const contentTypeSchema = z
  .string()
  .max(128)
  .regex(/^[\w.+-]+\/[\w.+-]+$/);

const querySchema = z.object({
  expires: z.string().regex(/^[1-9]\d{0,11}$/),
  filename: filenameSchema.optional(),
  type: contentTypeSchema.optional(),
  signature: z.string().regex(/^[\w-]{43}$/),
});

/**
 * What a URL is to grant, once it is checked.
 * @throws MixcacheError `invalid_argument`
 */
export function grantFor(
  key: string,
  { expiresInSeconds, filename, contentType }: SignedUrlOptions,
  nowMs: number,
): Grant {
  if (!(expiresInSeconds >= 1 && expiresInSeconds <= MAX_EXPIRY_SECONDS))
    invalid("expiresInSeconds", `A URL can be good for 1 s to ${MAX_EXPIRY_SECONDS} s.`);
  if (filename !== undefined && !filenameSchema.safeParse(filename).success)
    invalid("filename", `${JSON.stringify(filename).slice(0, 80)} is no name of a file.`);
  if (contentType !== undefined && !contentTypeSchema.safeParse(contentType).success)
    invalid("contentType", `${JSON.stringify(contentType).slice(0, 80)} is no content type.`);
  return {
    key: checkKey(key),
    expires: Math.floor(nowMs / 1000 + expiresInSeconds),
    ...(filename !== undefined && { filename }),
    ...(contentType !== undefined && { contentType }),
  };
}

/** The path and query of the URL that grants this. */
export function signedPath(grant: Grant, secret: Uint8Array): string {
  return writePath(grant, signatureOf(grant, secret));
}

/**
 * What a request's URL grants, or undefined where it is forged, tampered with or expired.
 * @param url as it was asked for
 */
export function verifyUrl(url: URL, secret: Uint8Array, nowMs: number): Grant | undefined {
  const parsed = querySchema.safeParse(Object.fromEntries(url.searchParams));
  const path = url.pathname;
  if (!parsed.success || !path.startsWith(OBJECTS_PATH)) return undefined;
  const { expires, filename, type, signature } = parsed.data;
  const grant: Grant = {
    key: path.slice(OBJECTS_PATH.length),
    expires: Number(expires),
    ...(filename !== undefined && { filename }),
    ...(type !== undefined && { contentType: type }),
  };
  const expected = Buffer.from(signatureOf(grant, secret));
  if (!timingSafeEqual(expected, Buffer.from(signature))) return undefined;
  // What was signed may be written in more than one way, with more parameters or other escapes.
  if (writePath(grant, signature) !== `${path}${url.search}`) return undefined;
  return nowMs < grant.expires * 1000 ? grant : undefined;
}

function signatureOf({ key, expires, filename, contentType }: Grant, secret: Uint8Array): string {
  // As JSON no part can run into the next one.
  const said = JSON.stringify(["mixcache.get/1", "GET", key, expires, filename ?? null, contentType ?? null]);
  return createHmac("sha256", secret).update(said).digest("base64url");
}

function writePath({ key, expires, filename, contentType }: Grant, signature: string): string {
  const query = new URLSearchParams({
    expires: String(expires),
    ...(filename !== undefined && { filename }),
    ...(contentType !== undefined && { type: contentType }),
    signature,
  });
  return `${OBJECTS_PATH}${key}?${query}`;
}
