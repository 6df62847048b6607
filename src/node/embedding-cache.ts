/**
 * Text embeddings in a folder on disk. Several processes may share it: a file is whole from the moment it has its name,
 * and a file that is gone or not what it should be is one that was never there.
 */

import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import type { EmbeddingCache, EmbeddingKey, Embeddings } from "../engine/embeddings.ts";
import { readEmbeddings, writeEmbeddings } from "./embedding-file.ts";

export interface EmbeddingFolderOptions {
  /** Made when the first embeddings are kept. */
  readonly folder: string;
  /** The most that the files may take together; those that were not used for longest go first. */
  readonly maxBytes: number;
  /** Everything besides bundle and text that an embedding's last bits depend on: engine, version, device, threads. */
  readonly engine: string;
}

const ENDING = ".embeddings";
const TEMPORARY = ".tmp";
/** A temporary file this old was left by a process that died. */
const ABANDONED_MS = 60 * 60_000;

/** Where the answer of this name lies in a folder. */
export function embeddingFile(folder: string, name: string): string {
  return path.join(folder, name + ENDING);
}

export class EmbeddingFolder implements EmbeddingCache {
  readonly #options: EmbeddingFolderOptions;

  constructor(options: EmbeddingFolderOptions) {
    this.#options = options;
  }

  /** What names an answer, here and in every other place for embeddings: a digest of all that it depends on. */
  nameOf({ bundle, encoder, ids, length }: EmbeddingKey): string {
    const all = JSON.stringify([this.#options.engine, bundle, encoder, length, ids]);
    return createHash("sha256").update(all).digest("hex");
  }

  async get(key: EmbeddingKey): Promise<Embeddings | undefined> {
    const file = this.#fileOf(key);
    try {
      const found = readEmbeddings(await readFile(file));
      if (!found) await rm(file, { force: true });
      // The time says when it was last of use.
      else await utimes(file, new Date(), new Date());
      return found;
    } catch {
      return undefined;
    }
  }

  async put(key: EmbeddingKey, embeddings: Embeddings): Promise<void> {
    const { folder, maxBytes } = this.#options;
    const bytes = writeEmbeddings(embeddings);
    if (bytes.length > maxBytes) return;
    const temporary = path.join(folder, `${randomBytes(8).toString("hex")}${TEMPORARY}`);
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(temporary, bytes, { flag: "wx" });
      await rename(temporary, this.#fileOf(key));
      await this.#makeRoom();
    } catch {
      // A full or read-only disk costs time at the next prompt, not this video.
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  #fileOf(key: EmbeddingKey): string {
    return embeddingFile(this.#options.folder, this.nameOf(key));
  }

  /** Removes the oldest files until the rest is small enough, and what dead processes left. */
  async #makeRoom(): Promise<void> {
    const { folder, maxBytes } = this.#options;
    const kept: { file: string; bytes: number; usedMs: number }[] = [];
    for (const name of await readdir(folder)) {
      const file = path.join(folder, name);
      const about = await stat(file).catch(() => undefined);
      if (!about?.isFile()) continue;
      if (name.endsWith(ENDING)) kept.push({ file, bytes: about.size, usedMs: about.mtimeMs });
      const old = Date.now() - about.mtimeMs > ABANDONED_MS;
      if (name.endsWith(TEMPORARY) && old) await rm(file, { force: true });
    }
    kept.sort((a, b) => a.usedMs - b.usedMs);
    let total = kept.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { file, bytes } of kept) {
      if (total <= maxBytes) return;
      await rm(file, { force: true });
      total -= bytes;
    }
  }
}
