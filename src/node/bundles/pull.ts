/**
 * A bundle from a store into a folder of this machine: `<cache>/<digest>`. It has that name once it is whole; until then
 * it grows in `<cache>/.partial/<digest>`, where the next process goes on if this one is killed. Of several processes
 * on a machine one pulls, and the others wait for it.
 */

import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { MANIFEST_FILE, parseManifest } from "../../engine/bundle/read.ts";
import { tryLock } from "../../file-lock.ts";
import type { Timing } from "../warm/objects.ts";
import { syncFolder, writeWhole } from "../whole-file.ts";
import { type BundleFile, digestIfSized, downloadFile } from "./download.ts";
import { type BundleObjects, type FetchedManifest, fetchManifest } from "./objects.ts";
import { inParallel } from "./parallel.ts";

export interface PullOptions {
  readonly objects: BundleObjects;
  readonly digest: string;
  /** Folder of all bundles that were pulled; made if it isn't there. */
  readonly cache: string;
  readonly timing: Timing;
  /** Whether every byte of a bundle that is there already is checked, and what is wrong fetched anew. */
  readonly verify?: boolean;
  readonly signal?: AbortSignal;
  /** Tells a person something, a line at a time. */
  readonly say?: (line: string) => void;
}

/** Where a bundle is, and what it took. */
export interface Pulled {
  readonly folder: string;
  /** Of this pull; 0 where everything was there. */
  readonly fetchedBytes: number;
  readonly totalBytes: number;
}

const LOCK_POLL_MS = 200;

/** Where a bundle lies once it was pulled. */
export function pulledFolder(cache: string, digest: string): string {
  return path.join(path.resolve(cache), digest);
}

/**
 * Pulls a bundle, as far as it isn't there.
 * @throws MixcacheError `bundle_not_found`, `bundle_file_missing`, `bundle_digest_mismatch`, `bundle_invalid`,
 * `storage_failed`, `storage_full`
 */
export async function pullBundle(options: PullOptions): Promise<Pulled> {
  const { cache, digest, verify = false, say = () => {} } = options;
  const folder = pulledFolder(cache, digest);
  const present = verify ? undefined : await wholeBytes(folder);
  if (present !== undefined) return { folder, fetchedBytes: 0, totalBytes: present };
  await mkdir(path.join(cache, ".partial"), { recursive: true });
  const unlock = await locked(path.join(cache, ".partial", `${digest}.lock`), options, () =>
    say(`Bundle: another process on this machine pulls sha256:${digest.slice(0, 12)}…; waiting for it`),
  );
  try {
    const meanwhile = verify ? undefined : await wholeBytes(folder);
    if (meanwhile !== undefined) return { folder, fetchedBytes: 0, totalBytes: meanwhile };
    return await fill(folder, path.join(path.resolve(cache), ".partial", digest), options);
  } finally {
    unlock();
  }
}

/**
 * The manifest alone, for whoever only answers for the model: `<cache>/.manifests/<digest>/model.json`.
 * @returns the folder
 * @throws MixcacheError like `pullBundle`
 */
export async function pullManifest({ objects, digest, cache }: PullOptions): Promise<string> {
  const folder = path.join(path.resolve(cache), ".manifests", digest);
  const { bytes } = await fetchManifest(objects, digest);
  await mkdir(folder, { recursive: true });
  await writeWhole(path.join(folder, MANIFEST_FILE), bytes);
  return folder;
}

async function fill(
  folder: string,
  partial: string,
  { objects, digest, verify = false, timing, signal, say = () => {} }: PullOptions,
): Promise<Pulled> {
  const fetched = await fetchManifest(objects, digest);
  const files = Object.entries(fetched.manifest.files).map(([file, entry]) => ({ file, ...entry }));
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (verify && (await wholeBytes(folder)) !== undefined) {
    const wrong = await wrongFiles(folder, files);
    if (wrong.length === 0) return { folder, fetchedBytes: 0, totalBytes };
    say(`Bundle: ${wrong.join(", ")} in ${folder} is not what it has to be, and is fetched anew`);
  }
  // A folder that lacks something, or that has something wrong, becomes a beginning.
  if (!(await exists(partial)) && (await exists(folder))) await rename(folder, partial);
  await rm(folder, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  say(`Bundle: fetching ${fetched.manifest.title}, ${megabytes(totalBytes)}, from ${objects.url}`);
  let fetchedBytes = 0;
  const onFetched = (bytes: number) => {
    fetchedBytes += bytes;
  };
  await inParallel(files, async (wanted) => {
    signal?.throwIfAborted();
    const target = path.join(partial, wanted.file);
    if ((await digestIfSized(target, wanted.bytes)) === wanted.sha256) return;
    await rm(target, { force: true });
    await downloadFile(partial, wanted, { objects, timing, onFetched });
  });
  await finish(folder, partial, fetched);
  return { folder, fetchedBytes, totalBytes };
}

/** The manifest comes last, and the name after it. */
async function finish(folder: string, partial: string, { bytes }: FetchedManifest): Promise<void> {
  await writeWhole(path.join(partial, MANIFEST_FILE), bytes);
  await syncFolder(partial);
  await rename(partial, folder);
  await syncFolder(path.dirname(folder));
}

/** Bytes of a bundle that has every file in its size; the engine checks every digest when it loads. */
async function wholeBytes(folder: string): Promise<number | undefined> {
  const text = await readFile(path.join(folder, MANIFEST_FILE), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const { files } = parseManifest(text, folder);
  let total = 0;
  for (const [file, { bytes }] of Object.entries(files)) {
    const size = await stat(path.join(folder, file)).then(
      (found) => found.size,
      () => undefined,
    );
    if (size !== bytes) return undefined;
    total += bytes;
  }
  return total;
}

async function wrongFiles(folder: string, files: readonly BundleFile[]): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { file, bytes, sha256 } of files)
    if ((await digestIfSized(path.join(folder, file), bytes)) !== sha256) wrong.push(file);
  return wrong;
}

/** Waits for the lock. @param onWait called once, where another process has it */
async function locked(
  file: string,
  { timing, signal }: PullOptions,
  onWait: () => void,
): Promise<() => void> {
  const never = new AbortController().signal;
  for (let isFirst = true; ; isFirst = false) {
    signal?.throwIfAborted();
    const unlock = tryLock(file);
    if (unlock) return unlock;
    if (isFirst) onWait();
    await timing.wait(LOCK_POLL_MS, signal ?? never);
  }
}

async function exists(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
