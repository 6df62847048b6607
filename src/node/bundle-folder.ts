/** A bundle in a folder on disk. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { BundleFiles, FileDigest } from "../engine/bundle/files.ts";
import { MixcacheError, messageOf } from "../errors.ts";

/** Read access to a folder; nothing is written, so it may be on a read-only disk. */
export class FolderFiles implements BundleFiles {
  readonly location: string;

  constructor(folder: string) {
    this.location = path.resolve(folder);
  }

  /** Where a file of the bundle is on disk. */
  pathOf(file: string): string {
    return path.join(this.location, file);
  }

  async read(file: string): Promise<Uint8Array | undefined> {
    return unlessMissing(this.pathOf(file), readFile(this.pathOf(file)));
  }

  async digest(file: string): Promise<FileDigest | undefined> {
    const hash = createHash("sha256");
    let bytes = 0;
    const read = pipeline(createReadStream(this.pathOf(file)), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        hash.update(chunk);
      }
      return true;
    });
    const found = await unlessMissing(this.pathOf(file), read);
    return found ? { bytes, sha256: hash.digest("hex") } : undefined;
  }
}

async function unlessMissing<T>(place: string, read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw new MixcacheError(
      "bundle_unreadable",
      `${place} can't be read (${messageOf(error)}). Allow this user to read it, and check the disk.`,
      { cause: error },
    );
  }
}
