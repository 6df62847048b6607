/** A bundle on a web server: its files are downloaded once, checked whenever they are read, and kept by digest. */

import type { BundleFiles, FileDigest } from "../engine/bundle/files.ts";
import type { Manifest } from "../engine/bundle/manifest.ts";
import { requireMatch } from "../engine/bundle/read.ts";
import { MixcacheError } from "../errors.ts";
import { sha256Hex } from "../wire/hex.ts";
import type { BundleCache } from "./bundle-cache.ts";
import { download } from "./download.ts";

/** How far a download is; it is done when received and cached bytes together are all. */
export interface DownloadProgress {
  /** Over the network, in this visit. */
  readonly receivedBytes: number;
  /** Of the files that a video needs. */
  readonly totalBytes: number;
  /** Of files that were kept at an earlier visit. */
  readonly cachedBytes: number;
}

/** Servers of HTTP/1.1 get six connections at most. */
const AT_ONCE = 4;

/** The files of a manifest, each checked against its digest before anybody sees it. */
export class FetchedFiles implements BundleFiles {
  readonly location: string;
  readonly #manifest: Manifest;
  readonly #address: URL;
  readonly #cache: BundleCache | undefined;
  /** What could not be kept, until it is read: the first video is not to wait for a second download. */
  readonly #unkept = new Map<string, Uint8Array<ArrayBuffer>>();

  /** @param address the bundle's folder, with a slash at its end */
  constructor(manifest: Manifest, address: URL, cache: BundleCache | undefined) {
    this.location = address.href;
    this.#manifest = manifest;
    this.#address = address;
    this.#cache = cache;
  }

  /** @throws MixcacheError `bundle_unreadable`, `bundle_file_missing`, `bundle_digest_mismatch` */
  async read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const expected = this.#manifest.files[path];
    if (!expected) return undefined;
    const unkept = this.#unkept.get(path);
    if (unkept) {
      this.#unkept.delete(path);
      return unkept;
    }
    const kept = await this.#cache?.get(expected.sha256);
    if (kept && (await sha256Hex(kept)) === expected.sha256) return kept;
    if (kept) await this.#cache?.delete(expected.sha256);
    const bytes = await this.#fetch(path, expected);
    await this.#cache?.put(expected.sha256, bytes);
    return bytes;
  }

  async digest(path: string): Promise<FileDigest | undefined> {
    const bytes = await this.read(path);
    return bytes && { bytes: bytes.length, sha256: await sha256Hex(bytes) };
  }

  /**
   * Downloads what is not here yet.
   * @throws MixcacheError `bundle_unreadable` with how much is kept, `bundle_file_missing`, `bundle_digest_mismatch`
   */
  async prefetch(
    paths: readonly string[],
    onProgress: (progress: DownloadProgress) => void = () => {},
  ): Promise<void> {
    const size = (path: string) => this.#manifest.files[path]?.bytes ?? 0;
    const totalBytes = paths.reduce((sum, path) => sum + size(path), 0);
    const missing: string[] = [];
    for (const path of paths) if (!(await this.#isKept(path))) missing.push(path);
    const cachedBytes = totalBytes - missing.reduce((sum, path) => sum + size(path), 0);
    let receivedBytes = 0;
    const onBytes = (bytes: number) => {
      receivedBytes += bytes;
      onProgress({ receivedBytes, totalBytes, cachedBytes });
    };
    onBytes(0);
    try {
      await inParallel(missing, AT_ONCE, (path, signal) => this.#keep(path, { onBytes, signal }));
    } catch (error) {
      throw await this.#withWhatIsKept(error, paths);
    }
  }

  async #keep(path: string, hooks: FetchHooks): Promise<void> {
    const expected = this.#manifest.files[path];
    if (!expected) return;
    const bytes = await this.#fetch(path, expected, hooks);
    if (!(await this.#cache?.put(expected.sha256, bytes))) this.#unkept.set(path, bytes);
  }

  async #fetch(path: string, expected: FileDigest, hooks: FetchHooks = {}): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await download(new URL(path, this.#address), { ...hooks, maxBytes: expected.bytes });
    const found = bytes && { bytes: bytes.length, sha256: await sha256Hex(bytes) };
    requireMatch(path, this.location, expected, found);
    return bytes ?? new Uint8Array(0);
  }

  async #isKept(path: string): Promise<boolean> {
    const sha256 = this.#manifest.files[path]?.sha256;
    return this.#unkept.has(path) || (sha256 !== undefined && (await this.#cache?.has(sha256)) === true);
  }

  async #withWhatIsKept(error: unknown, paths: readonly string[]): Promise<unknown> {
    if (!(error instanceof MixcacheError) || error.code !== "bundle_unreadable" || !this.#cache) return error;
    let kept = 0;
    for (const path of paths) if (await this.#isKept(path)) kept += 1;
    const sentence = `${error.message} ${kept} of ${paths.length} files are kept; the next try goes on from there.`;
    return new MixcacheError(error.code, sentence, { cause: error });
  }
}

interface FetchHooks {
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/** Does the work for all items, some at once. The first failure stops what is under way, and is thrown. */
async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const stop = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    for (const item of left) {
      if (failure) return;
      try {
        await work(item, stop.signal);
      } catch (error) {
        failure ??= { error };
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failure) throw failure.error;
}
