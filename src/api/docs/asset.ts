/** The script of the docs page: in the built package beside this file, in the repository from its development package. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** A file as it goes over the wire. */
export interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly compressed: Uint8Array<ArrayBuffer>;
  /** Quoted. */
  readonly etag: string;
}

const compress = promisify(gzip);
let loaded: Promise<Asset | undefined> | undefined;

/** Reads and compresses the script once; undefined where it was not installed. */
export function docsScript(): Promise<Asset | undefined> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Asset | undefined> {
  const bytes = (await read(new URL("scalar.js", import.meta.url))) ?? (await readPackage());
  if (!bytes) return undefined;
  // Not brotli: browsers offer that to HTTPS only.
  const compressed = await compress(bytes);
  const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
  return { bytes: new Uint8Array(bytes), compressed: new Uint8Array(compressed), etag };
}

async function readPackage(): Promise<Buffer | undefined> {
  let main: string;
  try {
    main = import.meta.resolve("@scalar/api-reference");
  } catch {
    return undefined;
  }
  // The whole page in one file; `exports` doesn't name it.
  return read(new URL("browser/standalone.js", main));
}

async function read(url: URL): Promise<Buffer | undefined> {
  try {
    return await readFile(fileURLToPath(url));
  } catch {
    return undefined;
  }
}
