/** Bundles by URL: `s3://bucket/prefix@sha256:<digest>`, or `file:///folder` in the same layout. */

import { invalid } from "../../errors.ts";

/** Where bundles lie, and which of them is meant. */
export interface BundleReference {
  /** Without the digest, and without a slash at its end. */
  readonly url: string;
  /** Digest of the bundle; undefined where the URL names none. */
  readonly digest?: string;
}

/** Whether a text names a place of bundles and no folder. */
export function isBundleUrl(text: string): boolean {
  return /^(s3|file):\/\//.test(text);
}

/**
 * Reads a URL.
 * @param field the variable or option that it was given by
 * @throws MixcacheError `invalid_argument`
 */
export function parseBundleUrl(text: string, field: string): BundleReference {
  const match = /^((?:s3:\/\/[a-z0-9][a-z0-9.-]{1,62}|file:\/\/)(?:\/[^@\s]*)?)(?:@(.*))?$/.exec(text);
  const [, url = "", version] = match ?? [];
  if (!match || url === "file://")
    invalid(
      field,
      `${field} is “${text}”; write it as s3://bucket/prefix@sha256:digest or file:///folder@sha256:digest.`,
    );
  const digest = version === undefined ? undefined : /^sha256:([0-9a-f]{64})$/.exec(version)?.[1];
  if (version !== undefined && digest === undefined)
    invalid(field, `${field} ends in @${version}; it must end in @sha256: and 64 hexadecimal digits.`);
  return { url: url.replace(/\/+$/, ""), ...(digest !== undefined && { digest }) };
}

/** The URL of one bundle, as BUNDLE takes it. */
export function bundleUrl({ url, digest }: Required<BundleReference>): string {
  return `${url}@sha256:${digest}`;
}
