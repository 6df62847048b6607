/** Files to disk: whole or not at all, and known to be possible before the work begins. */

import { randomBytes } from "node:crypto";
import * as nodeFs from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { MixcacheError, messageOf } from "../errors.ts";

/** The part of `node:fs/promises` used here; replaced in tests. */
export type FileSystem = Pick<typeof nodeFs, "open" | "rename" | "rm" | "stat">;

/** Bytes of the probe file: a full disk takes an empty file, but not one with contents. */
const PROBE_BYTES = 4096;

/**
 * Writes `bytes` to `path`, replacing a file that is there. They go to a temporary file in the same folder
 * first, reach the disk, and then take the name: a reader, or a crash, never meets half a file. Whatever
 * fails, the temporary file is removed and the old file stays.
 * @throws MixcacheError `output_disk_full`, `output_unwritable`.
 */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array,
  fs: FileSystem = nodeFs,
): Promise<void> {
  try {
    await refuseSpecialFile(path, fs);
    await writeTemporary(path, bytes, fs, (temporary) => fs.rename(temporary, path));
  } catch (error) {
    throw outputError(path, error);
  }
  await syncFolder(path, fs);
}

/**
 * Checks before a long generation that `path` can be written: its folder exists and takes a file, and the
 * path is no folder. By a probe file, which is removed: permission bits say nothing about root, read-only
 * mounts or full disks. It costs a few milliseconds.
 * @throws MixcacheError `output_disk_full`, `output_unwritable`.
 */
export async function assertWritable(path: string, fs: FileSystem = nodeFs): Promise<void> {
  try {
    await refuseSpecialFile(path, fs);
    await writeTemporary(path, new Uint8Array(PROBE_BYTES), fs, (temporary) => fs.rm(temporary));
  } catch (error) {
    throw outputError(path, error);
  }
}

/** Renaming over `/dev/null` would, as root, replace the device by a file for everybody. */
async function refuseSpecialFile(path: string, fs: FileSystem): Promise<void> {
  if (path === "" || path.includes("\0")) {
    throw new MixcacheError(
      "output_unwritable",
      "The output path is empty or holds a null character; name a file.",
    );
  }
  let stats: Awaited<ReturnType<FileSystem["stat"]>>;
  try {
    stats = await fs.stat(path);
  } catch (error) {
    // No such file is how it should be; everything else fails again, with its reason, at the writing.
    if (codeOf(error) === "ENOENT" && !/[/\\]$/.test(path)) return;
    throw error;
  }
  if (stats.isDirectory()) {
    throw new MixcacheError(
      "output_unwritable",
      `${path} is a folder; name a file in it, such as ${join(path, "video.mp4")}.`,
    );
  }
  if (!stats.isFile()) {
    throw new MixcacheError("output_unwritable", `${path} is no regular file; choose another output path.`);
  }
}

async function writeTemporary(
  path: string,
  bytes: Uint8Array,
  fs: FileSystem,
  finish: (temporary: string) => Promise<void>,
): Promise<void> {
  // A short name of its own: the output's name may already be as long as the file system allows.
  const temporary = join(dirname(resolve(path)), `.mixcache-${randomBytes(8).toString("hex")}.tmp`);
  const file = await fs.open(temporary, "wx");
  try {
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await finish(temporary);
  } catch (error) {
    // What went wrong first is what the caller needs to hear.
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Makes the new name itself survive a power cut. Not every system can: the file is whole either way. */
async function syncFolder(path: string, fs: FileSystem): Promise<void> {
  try {
    const folder = await fs.open(dirname(resolve(path)), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // See above.
  }
}

function outputError(path: string, error: unknown): MixcacheError {
  if (error instanceof MixcacheError) return error;
  const code = codeOf(error);
  const folder = dirname(resolve(path));
  const unwritable = (sentence: string) => new MixcacheError("output_unwritable", sentence, { cause: error });
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return new MixcacheError(
        "output_disk_full",
        `There is no space left for ${path}; free some on the disk of ${folder}, or choose another output path.`,
        { cause: error },
      );
    case "EACCES":
    case "EPERM":
      return unwritable(
        `${path} may not be written; allow writing in ${folder}, or choose another output path.`,
      );
    case "EROFS":
      return unwritable(`${path} is on a read-only file system; choose another output path.`);
    case "ENOENT":
      return unwritable(
        `The folder of ${path} does not exist; create ${folder}, or choose another output path.`,
      );
    case "ENOTDIR":
      return unwritable(`A part of the path ${path} is a file and no folder; choose another output path.`);
    case "EISDIR":
      return unwritable(`${path} is a folder; name a file in it, such as ${join(path, "video.mp4")}.`);
    case "ENAMETOOLONG":
      return unwritable(`The file name ${basename(path)} is too long; choose a shorter one.`);
    default:
      return unwritable(`${path} could not be written (${messageOf(error)}); choose another output path.`);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
