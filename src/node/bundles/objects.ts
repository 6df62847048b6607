/**
 * How bundles lie in a store: `bundles/<digest>.json` is a manifest, `files/<sha256>` a file that any
 * number of bundles may share. Every name is a digest, so that what is there is what it has to be.
 */

import { createHash } from "node:crypto";
import type { Manifest } from "../../engine/bundle/manifest.ts";
import { parseManifest } from "../../engine/bundle/read.ts";
import { invalid, MixcacheError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/index.ts";
import { readObject } from "../warm/objects.ts";

/** A place of bundles. */
export interface BundleObjects {
  readonly store: Pick<ObjectStore, "get" | "head" | "list" | "put" | "putIfAbsent">;
  /** The place's URL, for sentences. */
  readonly url: string;
}

/** The manifest of a bundle of tens of thousands of files. */
const MAX_MANIFEST_BYTES = 16 * 2 ** 20;

const MANIFESTS = "bundles/";

export function manifestKey(digest: string): string {
  return `${MANIFESTS}${digest}.json`;
}

export function fileKey(sha256: string): string {
  return `files/${sha256}`;
}

/** A manifest that was fetched, and is the one that its digest names. */
export interface FetchedManifest {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
}

/**
 * Fetches a bundle's manifest.
 * @throws MixcacheError `bundle_not_found`, `bundle_digest_mismatch`, `bundle_invalid`, `bundle_format_unknown`, or what
 * the store says
 */
export async function fetchManifest(objects: BundleObjects, digest: string): Promise<FetchedManifest> {
  const found = await readObject(objects.store, manifestKey(digest), MAX_MANIFEST_BYTES);
  if (!found)
    throw new MixcacheError(
      "bundle_not_found",
      `There is no bundle sha256:${digest} in ${objects.url}. Put it there with mixcache bundle push, or correct the digest.`,
    );
  const actual = createHash("sha256").update(found.bytes).digest("hex");
  if (actual !== digest)
    throw new MixcacheError(
      "bundle_digest_mismatch",
      `The manifest in ${objects.url} that is named sha256:${digest} has the digest ${actual}. It was changed or cut off: push the bundle again.`,
    );
  return { manifest: parseManifest(new TextDecoder().decode(found.bytes), objects.url), bytes: found.bytes };
}

/** Digests of the bundles that lie in a place. */
export async function listBundles({ store }: BundleObjects): Promise<readonly string[]> {
  const digests: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list(MANIFESTS, cursor);
    for (const { key } of page.objects) {
      const digest = /^([0-9a-f]{64})\.json$/.exec(key.slice(MANIFESTS.length))?.[1];
      if (digest !== undefined) digests.push(digest);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return digests;
}

/**
 * The digest that was asked for, or that of the only bundle there is.
 * @throws MixcacheError `bundle_not_found`, `invalid_argument` where there are several
 */
export async function digestIn(objects: BundleObjects, asked: string | undefined): Promise<string> {
  if (asked !== undefined) return asked;
  const [first, ...others] = await listBundles(objects);
  if (first === undefined)
    throw new MixcacheError(
      "bundle_not_found",
      `There is no bundle in ${objects.url}. Put one there with mixcache bundle push.`,
    );
  if (others.length > 0)
    invalid(
      "bundle",
      `There are ${others.length + 1} bundles in ${objects.url}. Say which one: ${objects.url}@sha256:${first}, for example.`,
    );
  return first;
}
