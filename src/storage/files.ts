/** What the folder store does with files: writing them so that they last, and saying what went wrong. */

import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import path from "node:path";
import { MixcacheError, messageOf } from "../errors.ts";
import type { ObjectBody, Written } from "./contract.ts";

/** The system's code of an error, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** True where a file isn't there, or where a part of its path is a file itself. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
}

/** Makes a folder and those above it; each new name survives a crash. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let at = folder; at.length >= first.length; at = path.dirname(at)) await syncFolder(path.dirname(at));
}

/** Makes the names in a folder survive a power cut. Not every system can; the files are whole either way. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // See above.
  }
}

/**
 * Writes a new file, whose bytes are on the disk when this resolves.
 * @throws MixcacheError `storage_digest_mismatch`; what the body throws; what the system says
 */
export async function writeSynced(
  file: string,
  body: ObjectBody,
  expected: string | undefined,
): Promise<Written> {
  const hash = createHash("sha256");
  let bytes = 0;
  const handle = await open(file, "wx", 0o600);
  try {
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      await handle.writeFile(chunk);
    }
    const sha256 = hash.digest("hex");
    if (expected !== undefined && sha256 !== expected)
      throw new MixcacheError(
        "storage_digest_mismatch",
        `What was to be stored has the SHA-256 ${sha256} and not ${expected}; it was changed on its way. Try again.`,
      );
    await handle.sync();
    return { bytes, sha256 };
  } finally {
    await handle.close();
  }
}

const FULL = ["ENOSPC", "EDQUOT", "EFBIG"];

/**
 * What the system said about an object or a folder, as a sentence; what is no error of the system stays as it is.
 * @param what the object's key or the folder
 */
export function storageError(what: string, error: unknown): unknown {
  const code = codeOf(error);
  if (error instanceof MixcacheError || code === undefined || !(error instanceof Error && "syscall" in error))
    return error;
  if (FULL.includes(code))
    return new MixcacheError(
      "storage_full",
      `There is no space left for ${what}; free some on the disk of DATA_DIR.`,
      { cause: error },
    );
  if (code === "ENOTDIR" || code === "EISDIR" || code === "ENOTEMPTY")
    return new MixcacheError(
      "storage_failed",
      `${what} can't be stored: an object is named like one of its folders. Delete that one, or take another key.`,
      { cause: error },
    );
  return new MixcacheError(
    "storage_failed",
    `${what} could not be read or written (${messageOf(error)}); check the disk of DATA_DIR and who may use it.`,
    { cause: error },
  );
}
