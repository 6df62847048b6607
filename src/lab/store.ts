/**
 * The lab's folder: results by digest, reference frames, small sheets for the page. Files are whole or not there, so a
 * run that was cut off goes on where it was, and shards are merged by copying their folders together.
 */

import { existsSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, brotliDecompress, constants } from "node:zlib";
import type { RgbFrames } from "../engine/frames.ts";
import { invalid, MixcacheError } from "../errors.ts";
import { writeFileAtomically } from "../media/index.ts";
import { sha256 } from "./digest.ts";
import { type Result, readResult } from "./result.ts";

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

const FOLDERS = { runs: ".json", references: ".rgb.br", sheets: ".webp" } as const;
type Kind = keyof typeof FOLDERS;

/** All results in one file, one a line: what is committed of a finished experiment. */
const ARCHIVE = "results.jsonl.br";

export class Store {
  readonly folder: string;
  readonly #archived = new Map<string, Result>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Opens a folder, and makes what is missing of it. */
  static async open(folder: string): Promise<Store> {
    try {
      for (const kind of Object.keys(FOLDERS)) await mkdir(path.join(folder, kind), { recursive: true });
    } catch (error) {
      throw new MixcacheError("output_unwritable", `The folder ${folder} can't be made.`, { cause: error });
    }
    const store = new Store(folder);
    await store.#readArchive();
    return store;
  }

  has(digest: string): boolean {
    return this.#archived.has(digest) || existsSync(this.#path("runs", digest));
  }

  hasReference(digest: string): boolean {
    return existsSync(this.#path("references", digest));
  }

  /** @throws MixcacheError `invalid_argument` for a file that is none of the lab's */
  async read(digest: string): Promise<Result | undefined> {
    const file = this.#path("runs", digest);
    if (!existsSync(file)) return this.#archived.get(digest);
    return readResult(parse(await readFile(file, "utf8"), file), file);
  }

  async write(result: Result): Promise<void> {
    await writeFileAtomically(this.#path("runs", result.digest), Buffer.from(`${JSON.stringify(result)}\n`));
  }

  /** Digests of all results. */
  async digests(): Promise<string[]> {
    const ending = FOLDERS.runs;
    const files = await readdir(path.join(this.folder, "runs"));
    const stored = files.filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length));
    return [...new Set([...stored, ...this.#archived.keys()])].sort();
  }

  /** An uncached video's frames, so that metrics can be computed again. */
  async writeReference(digest: string, { data }: RgbFrames): Promise<void> {
    const packed = await compress(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
    await writeFileAtomically(this.#path("references", digest), packed);
  }

  /** @throws MixcacheError `invalid_argument` where the frames are not those of the result */
  async readReference(result: Result): Promise<RgbFrames> {
    const { width, height, num_frames: count } = result.key;
    const file = this.#path("references", result.digest);
    const data = await decompress(await readFile(file));
    if (sha256(data) !== result.frames_sha256)
      invalid("output", `${file} does not hold the frames of its result. Remove both, and run again.`);
    return { width, height, count, data };
  }

  async writeSheet(digest: string, webp: Uint8Array): Promise<void> {
    await writeFileAtomically(this.#path("sheets", digest), webp);
  }

  async readSheet(digest: string): Promise<Uint8Array | undefined> {
    const file = this.#path("sheets", digest);
    return existsSync(file) ? await readFile(file) : undefined;
  }

  /** Writes a file beside the results: the plan, the report. */
  async writeFile(name: string, text: string): Promise<void> {
    await writeFileAtomically(path.join(this.folder, name), Buffer.from(text));
  }

  /** JSON that lies beside the results; undefined where there is no such file. */
  async readJson(name: string): Promise<unknown> {
    const file = path.join(this.folder, name);
    return existsSync(file) ? parse(await readFile(file, "utf8"), file) : undefined;
  }

  /** Packs these results into one file, which is read again where `runs/` lacks them. */
  async archive(results: readonly Result[]): Promise<void> {
    const lines = results.map((result) => `${JSON.stringify(result)}\n`).join("");
    await writeFileAtomically(path.join(this.folder, ARCHIVE), await compress(Buffer.from(lines)));
  }

  async #readArchive(): Promise<void> {
    const file = path.join(this.folder, ARCHIVE);
    if (!existsSync(file)) return;
    const text = (await decompress(await readFile(file))).toString("utf8");
    for (const line of text.split("\n").filter(Boolean)) {
      const result = readResult(parse(line, file), file);
      this.#archived.set(result.digest, result);
    }
  }

  #path(kind: Kind, digest: string): string {
    return path.join(this.folder, kind, `${digest}${FOLDERS[kind]}`);
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return invalid("output", `${file} holds no JSON. Remove it.`);
  }
}
