/**
 * Objects as files of a folder. An object is written under a temporary name, reaches the disk, and then takes its
 * own: nobody meets half of one, and a crash leaves at most a temporary file, which is swept later.
 */

import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, link, open, realpath, rename, rmdir, unlink } from "node:fs/promises";
import path from "node:path";
import { invalid } from "../errors.ts";
import { claimed } from "./claim.ts";
import type {
  ByteRange,
  ObjectBody,
  ObjectInfo,
  ObjectPage,
  ObjectStore,
  PutOptions,
  SignedUrlOptions,
  StoredObject,
  Written,
} from "./contract.ts";
import { codeOf, isMissing, makeFolder, storageError, syncFolder, writeSynced } from "./files.ts";
import { checkKey, checkPrefix } from "./keys.ts";
import { listFolder } from "./list-folder.ts";
import { secretFile } from "./secret-file.ts";
import { type Grant, grantFor, signedPath, verifyUrl } from "./signing.ts";
import { sweepTemporaries } from "./sweep.ts";

export interface FolderStoreOptions {
  /** Made if it isn't there. */
  readonly folder: string;
  /** Where `signedFiles` of this store answers, as clients reach it; without a slash at the end. */
  readonly publicUrl: string;
  /** At least 32 bytes. Default: a key that is made once and kept in the folder, for its owner only. */
  readonly signingKey?: Uint8Array;
  /** Unix time in milliseconds. */
  readonly now?: () => number;
}

/** No key begins with a dot, so nothing in here is ever taken for an object. */
const TEMPORARY = ".tmp";
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** `delete` removes empty folders, maybe the one that a `put` has just made. */
const PLACING_ATTEMPTS = 5;

/** A folder as an `ObjectStore`. Any number of processes may share one. */
export class FolderStore implements ObjectStore {
  readonly folder: string;
  readonly #publicUrl: string;
  readonly #secret: Uint8Array;
  readonly #now: () => number;

  private constructor(folder: string, secret: Uint8Array, options: FolderStoreOptions) {
    this.folder = folder;
    this.#secret = secret;
    this.#publicUrl = options.publicUrl;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Opens a folder, makes what is missing of it, and sweeps what crashes left.
   * @throws MixcacheError `storage_failed`, `storage_full`
   */
  static async open(options: FolderStoreOptions): Promise<FolderStore> {
    try {
      const made = path.resolve(options.folder);
      await makeFolder(path.join(made, TEMPORARY));
      const folder = await realpath(made);
      const secret = options.signingKey ?? (await ownKey(folder));
      const store = new FolderStore(folder, secret, options);
      await store.sweep();
      return store;
    } catch (error) {
      throw storageError(options.folder, error);
    }
  }

  put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<Written> {
    return this.#guard(key, (file) =>
      this.#write(body, options, (temporary) => this.#place(file, () => rename(temporary, file))),
    );
  }

  putIfAbsent(key: string, body: ObjectBody, options: PutOptions = {}): Promise<Written | undefined> {
    return this.#guard(key, async (file) => {
      let isFirst = true;
      const written = await this.#write(body, options, async (temporary) => {
        // Unlike rename, link refuses a name that is taken.
        await this.#place(file, () => link(temporary, file)).catch((error: unknown) => {
          if (codeOf(error) !== "EEXIST") throw error;
          isFirst = false;
        });
        await unlink(temporary);
      });
      return isFirst ? written : undefined;
    });
  }

  putIf(key: string, body: ObjectBody, etag: string, options: PutOptions = {}): Promise<Written | undefined> {
    return this.#guard(key, (file) =>
      claimed(path.join(this.folder, TEMPORARY), `${key} ${etag}`, this.#now(), async () => {
        if ((await this.head(key))?.etag !== etag) return undefined;
        const write = (temporary: string) => this.#place(file, () => rename(temporary, file));
        return this.#write(body, options, write);
      }),
    );
  }

  get(key: string, { range }: { readonly range?: ByteRange } = {}): Promise<StoredObject | undefined> {
    return this.#guard(key, async (file) => {
      const opened = await this.#open(file);
      if (!opened) return undefined;
      const info = infoOf(key, opened.stats);
      if (range && !isWithin(range, info.bytes)) {
        await opened.handle.close();
        invalid(
          "range",
          `The range ${range.first}–${range.last} is not within the ${info.bytes} bytes of ${key}.`,
        );
      }
      return { ...info, body: streamOf(opened.handle, range ?? { first: 0, last: info.bytes - 1 }) };
    });
  }

  head(key: string): Promise<ObjectInfo | undefined> {
    return this.#guard(key, async (file) => {
      const opened = await this.#open(file);
      if (!opened) return undefined;
      await opened.handle.close();
      return infoOf(key, opened.stats);
    });
  }

  delete(key: string): Promise<void> {
    return this.#guard(key, async (file) => {
      if (!(await this.#isInside(path.dirname(file)))) return;
      await unlink(file).catch((error: unknown) => {
        if (!isMissing(error) && codeOf(error) !== "EISDIR" && codeOf(error) !== "EPERM") throw error;
      });
      await syncFolder(path.dirname(file));
      await this.#removeEmpty(path.dirname(file));
    });
  }

  async list(prefix: string, cursor?: string): Promise<ObjectPage> {
    checkPrefix(prefix);
    if (cursor !== undefined) checkKey(cursor);
    try {
      return await listFolder(this.folder, prefix, cursor);
    } catch (error) {
      throw storageError(this.folder, error);
    }
  }

  async signedUrl(key: string, options: SignedUrlOptions): Promise<string> {
    return this.#publicUrl + signedPath(grantFor(key, options, this.#now()), this.#secret);
  }

  /** What a URL grants and for how long still; undefined where it is forged, tampered with or expired. */
  verify(url: URL): { readonly grant: Grant; readonly leftSeconds: number } | undefined {
    const nowMs = this.#now();
    const grant = verifyUrl(url, this.#secret, nowMs);
    return grant && { grant, leftSeconds: Math.floor(grant.expires - nowMs / 1000) };
  }

  /** Removes temporary files that no put can be writing any more; returns how many. */
  sweep(): Promise<number> {
    return sweepTemporaries(path.join(this.folder, TEMPORARY), this.#now());
  }

  async #guard<T>(key: string, work: (file: string) => Promise<T>): Promise<T> {
    const file = path.join(this.folder, ...checkKey(key).split("/"));
    try {
      return await work(file);
    } catch (error) {
      throw storageError(key, error);
    }
  }

  async #write(
    body: ObjectBody,
    options: PutOptions,
    place: (temporary: string) => Promise<void>,
  ): Promise<Written> {
    const temporary = path.join(this.folder, TEMPORARY, `${randomBytes(16).toString("hex")}.tmp`);
    try {
      const written = await writeSynced(temporary, body, options.sha256);
      await place(temporary);
      return written;
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
  }

  /** Gives a written file its name, and makes the name survive a crash. */
  async #place(file: string, give: () => Promise<void>): Promise<void> {
    const parent = path.dirname(file);
    for (let attempt = 1; ; attempt++) {
      try {
        await makeFolder(parent);
        if (!(await this.#isInside(parent)))
          invalid("key", "A folder of this object's key is a link to another place; remove the link.");
        await give();
        await syncFolder(parent);
        return;
      } catch (error) {
        if (codeOf(error) !== "ENOENT" || attempt === PLACING_ATTEMPTS) throw error;
      }
    }
  }

  async #open(file: string): Promise<{ readonly handle: FileHandle; readonly stats: Stats } | undefined> {
    if (!(await this.#isInside(path.dirname(file)))) return undefined;
    let handle: FileHandle;
    try {
      handle = await open(file, READ);
    } catch (error) {
      // ELOOP: the name is a symbolic link, which is none of ours.
      if (isMissing(error) || codeOf(error) === "ELOOP") return undefined;
      throw error;
    }
    const stats = await handle.stat();
    if (stats.isFile()) return { handle, stats };
    await handle.close();
    return undefined;
  }

  /** False for a folder that isn't there, and for one that symbolic links lead out to. */
  async #isInside(folder: string): Promise<boolean> {
    try {
      return (await realpath(folder)) === folder;
    } catch (error) {
      if (isMissing(error) || codeOf(error) === "ELOOP") return false;
      throw error;
    }
  }

  async #removeEmpty(folder: string): Promise<void> {
    for (let at = folder; at !== this.folder && at.startsWith(this.folder); at = path.dirname(at)) {
      try {
        await rmdir(at);
      } catch {
        // Not empty, or another process was quicker.
        return;
      }
    }
  }
}

/** The key of this folder's URLs. No object's key begins with a dot. */
async function ownKey(folder: string): Promise<Uint8Array> {
  const make = () => randomBytes(32).toString("hex");
  return Buffer.from(await secretFile(path.join(folder, ".signing-key"), make, /^[0-9a-f]{64}$/), "hex");
}

function infoOf(key: string, stats: Stats): ObjectInfo {
  // Every put makes a new file, so that its number and time tell it from the one before.
  const etag = `"${[stats.size, stats.ino, Math.round(stats.mtimeMs * 1000)].map((n) => n.toString(36)).join("-")}"`;
  return { key, bytes: stats.size, etag, modifiedAt: stats.mtime };
}

function isWithin({ first, last }: ByteRange, bytes: number): boolean {
  return Number.isInteger(first) && Number.isInteger(last) && 0 <= first && first <= last && last < bytes;
}

const CHUNK_BYTES = 64 * 1024;

/** Reads a stretch of a file as it is asked for, and closes the file at its end or when nobody wants more. */
function streamOf(handle: FileHandle, { first, last }: ByteRange): ReadableStream<Uint8Array> {
  let at = first;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const wanted = Math.min(CHUNK_BYTES, last + 1 - at);
          const { bytesRead, buffer } =
            wanted > 0
              ? await handle.read(new Uint8Array(wanted), 0, wanted, at)
              : { bytesRead: 0, buffer: new Uint8Array() };
          at += bytesRead;
          if (bytesRead > 0) controller.enqueue(buffer.subarray(0, bytesRead));
          if (at > last || bytesRead === 0) {
            await handle.close();
            controller.close();
          }
        } catch (error) {
          await handle.close().catch(() => undefined);
          throw error;
        }
      },
      cancel: () => handle.close(),
    },
    { highWaterMark: 0 },
  );
}
