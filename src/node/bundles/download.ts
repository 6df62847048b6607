/** One file of a bundle from a store, which goes on where an earlier process stopped. */

import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { MixcacheError, messageOf } from "../../errors.ts";
import type { Timing } from "../warm/objects.ts";
import { type BundleObjects, fileKey } from "./objects.ts";

/** A file as the manifest has it. */
export interface BundleFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface DownloadOptions {
  readonly objects: BundleObjects;
  readonly timing: Timing;
  /** Bytes as they come from the store. */
  readonly onFetched: (bytes: number) => void;
}

/** What has not been checked yet has this ending. */
const PART = ".part";
/** Tries in a row that bring not one byte. */
const TRIES = 5;
const FIRST_PAUSE_MS = 500;

/**
 * Brings a file into a folder. It has its name once it is whole, checked and on the disk.
 * @throws MixcacheError `bundle_file_missing`, `bundle_digest_mismatch`, `storage_full`, or what the store says
 */
export async function downloadFile(
  folder: string,
  wanted: BundleFile,
  options: DownloadOptions,
): Promise<void> {
  const target = path.join(folder, wanted.file);
  const part = target + PART;
  await mkdir(path.dirname(target), { recursive: true });
  await checkThere(wanted, options.objects);
  const isResumed = (await sizeOf(part)) > 0;
  let actual = await tryOften(part, wanted, options);
  if (actual !== wanted.sha256 && isResumed) {
    // What was left of an earlier process may have holes where the power failed.
    await rm(part, { force: true });
    actual = await tryOften(part, wanted, options);
  }
  if (actual !== wanted.sha256) {
    await rm(part, { force: true });
    throw mismatch(wanted, options.objects, `the sha256 ${actual.slice(0, 12)}…`);
  }
  await rename(part, target);
}

/** Asks before anything is written, so that what can't be had costs nothing. */
async function checkThere(wanted: BundleFile, objects: BundleObjects): Promise<void> {
  const info = await objects.store.head(fileKey(wanted.sha256));
  if (!info)
    throw new MixcacheError(
      "bundle_file_missing",
      `The file ${wanted.file} of the bundle is not in ${objects.url}. Push the bundle again.`,
    );
  if (info.bytes !== wanted.bytes) throw mismatch(wanted, objects, `${info.bytes} bytes`);
}

function mismatch({ file, bytes, sha256 }: BundleFile, { url }: BundleObjects, has: string): MixcacheError {
  return new MixcacheError(
    "bundle_digest_mismatch",
    `The file ${file} in ${url} has ${has}, where its manifest says ${bytes} bytes of sha256 ${sha256.slice(0, 12)}…. ` +
      `It was changed there: delete the object ${fileKey(sha256)}, and push the bundle again.`,
  );
}

/** SHA-256 of a file, or undefined where it isn't there or has another size. */
export async function digestIfSized(file: string, bytes: number): Promise<string | undefined> {
  if ((await sizeOf(file)) !== bytes) return undefined;
  const hash = createHash("sha256");
  await feed(hash, file);
  return hash.digest("hex");
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

async function feed(hash: Hash, file: string): Promise<void> {
  for await (const chunk of createReadStream(file)) hash.update(chunk);
}

/** Goes on after every interruption, as long as each try brings something. @returns the SHA-256 of what there is then */
async function tryOften(part: string, wanted: BundleFile, options: DownloadOptions): Promise<string> {
  for (let failures = 0; ; ) {
    const before = await sizeOf(part);
    try {
      return await append(part, wanted, options);
    } catch (error) {
      const isFinal = error instanceof MixcacheError && error.code !== "storage_failed";
      failures = (await sizeOf(part)) > before ? 1 : failures + 1;
      if (isFinal || failures === TRIES) throw fullDisk(part, error);
      await options.timing.wait(FIRST_PAUSE_MS * 2 ** failures, new AbortController().signal);
    }
  }
}

async function append(
  part: string,
  { file, bytes, sha256 }: BundleFile,
  { objects, onFetched }: DownloadOptions,
): Promise<string> {
  const hash = createHash("sha256");
  const handle = await open(part, "a+", 0o644);
  try {
    let { size } = await handle.stat();
    if (size > bytes) {
      await handle.truncate(0);
      size = 0;
    }
    if (size > 0) await feed(hash, part);
    if (size < bytes) {
      const object = await objects.store.get(fileKey(sha256), { range: { first: size, last: bytes - 1 } });
      if (!object)
        throw new MixcacheError("storage_failed", `${file} disappeared from ${objects.url} meanwhile.`);
      for await (const chunk of object.body) {
        await handle.writeFile(chunk);
        hash.update(chunk);
        onFetched(chunk.byteLength);
      }
      await handle.sync();
    }
    const { size: now } = await handle.stat();
    if (now < bytes)
      throw new MixcacheError(
        "storage_failed",
        `${file} ended after ${now} of ${bytes} bytes in ${objects.url}.`,
      );
    return hash.digest("hex");
  } finally {
    await handle.close();
  }
}

function fullDisk(part: string, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (!(error instanceof Error && "syscall" in error)) return error;
  if (code !== "ENOSPC" && code !== "EDQUOT")
    return new MixcacheError(
      "storage_failed",
      `${part} could not be written (${messageOf(error)}); check the disk of BUNDLE_CACHE and who may use it.`,
      { cause: error },
    );
  return new MixcacheError(
    "storage_full",
    `There is no space left for ${path.dirname(part)} (${messageOf(error)}); free some, or set BUNDLE_CACHE to another disk. The next pull goes on from there.`,
    { cause: error },
  );
}
