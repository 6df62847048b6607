/** Reads and checks a bundle: nothing of it is used before everything of it has been found right. */

import { MixcacheError } from "../../errors.ts";
import type { BundleFiles, FileDigest } from "./files.ts";
import { BUNDLE_FORMAT, type Manifest, manifestSchema } from "./manifest.ts";
import { checkStructure } from "./structure.ts";

/** The manifest's file name. */
export const MANIFEST_FILE = "model.json";

/** A bundle whose manifest, structure and digests have been checked. */
export interface Bundle {
  readonly manifest: Manifest;
  /** sha256 of the manifest, which holds the digests of all other files: it names the bundle exactly. */
  readonly digest: string;
  readonly files: BundleFiles;
}

/** A manifest that was checked by itself: its shape, and how its parts fit together. */
export type CheckedManifest = Omit<Bundle, "files">;

/** Progress of the digests: bytes checked so far, of all. */
export type DigestProgress = (checkedBytes: number, totalBytes: number) => void;

/**
 * Reads a bundle.
 * @throws MixcacheError `bundle_not_found`, `bundle_format_unknown`, `bundle_invalid`, `bundle_file_missing` or
 * `bundle_digest_mismatch`; the message names the file or field.
 */
export async function readBundle(files: BundleFiles, onProgress?: DigestProgress): Promise<Bundle> {
  const checked = await readManifest(files);
  await checkDigests(checked.manifest, files, onProgress);
  return { ...checked, files };
}

/**
 * Reads the manifest alone, for places where a bundle's files are not all there yet: whoever makes a bundle of it gives
 * it files that are checked whenever they are read.
 * @throws MixcacheError `bundle_not_found`, `bundle_format_unknown` or `bundle_invalid`
 */
export async function readManifest(files: BundleFiles): Promise<CheckedManifest> {
  const bytes = await files.read(MANIFEST_FILE);
  const manifestDigest = await files.digest(MANIFEST_FILE);
  if (!bytes || !manifestDigest) {
    throw new MixcacheError(
      "bundle_not_found",
      `There is no ${MANIFEST_FILE} in ${files.location}. Give the folder of a mixcache bundle.`,
    );
  }
  const manifest = parseManifest(new TextDecoder().decode(bytes), files.location);
  checkStructure(manifest);
  return { manifest, digest: manifestDigest.sha256 };
}

/** Parses and validates `model.json`; the shape only, not how its parts fit together. */
export function parseManifest(text: string, location: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new MixcacheError(
      "bundle_invalid",
      `${MANIFEST_FILE} in ${location} is not JSON. It may be cut short: copy the bundle again.`,
      { cause },
    );
  }
  const format = typeof json === "object" && json !== null && "format" in json ? json.format : undefined;
  if (format !== BUNDLE_FORMAT) {
    throw new MixcacheError(
      "bundle_format_unknown",
      `The bundle in ${location} has the format ${JSON.stringify(format) ?? "undefined"}; this version of mixcache reads ` +
        `"${BUNDLE_FORMAT}". Export it again, or use the version of mixcache that it was made for.`,
    );
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue?.path.join(".") ?? "";
    throw new MixcacheError(
      "bundle_invalid",
      `${MANIFEST_FILE} in ${location} is not valid: ${path || "the manifest"}: ${issue?.message ?? "unknown problem"}.`,
    );
  }
  return parsed.data;
}

async function checkDigests(
  manifest: Manifest,
  files: BundleFiles,
  onProgress?: DigestProgress,
): Promise<void> {
  const entries = Object.entries(manifest.files);
  const total = entries.reduce((sum, [, entry]) => sum + entry.bytes, 0);
  let checked = 0;
  for (const [path, expected] of entries) {
    requireMatch(path, files.location, expected, await files.digest(path));
    checked += expected.bytes;
    onProgress?.(checked, total);
  }
}

/**
 * Refuses a file that is not what the manifest says.
 * @param found what it is, undefined where there is none
 * @throws MixcacheError `bundle_file_missing`, `bundle_digest_mismatch`
 */
export function requireMatch(
  path: string,
  location: string,
  expected: FileDigest,
  found: FileDigest | undefined,
): void {
  if (!found) {
    throw new MixcacheError(
      "bundle_file_missing",
      `The bundle in ${location} lacks the file ${path} that its manifest lists. Copy the bundle again.`,
    );
  }
  if (found.bytes !== expected.bytes || found.sha256 !== expected.sha256) {
    throw new MixcacheError(
      "bundle_digest_mismatch",
      `The file ${path} in ${location} is not the one its manifest describes ` +
        `(sha256 ${found.sha256.slice(0, 12)}…, ${found.bytes} bytes; expected ${expected.sha256.slice(0, 12)}…, ` +
        `${expected.bytes} bytes). Copy the bundle again.`,
    );
  }
}
