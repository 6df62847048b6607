/** The files of the built page, as they lie in their folder. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";

/** A file of the page, ready to be sent. Whoever gets one reads its body or cancels it. */
export interface PageFile {
  readonly type: string;
  readonly bytes: number;
  /** Quoted; another one for each encoding. */
  readonly etag: string;
  readonly encoding: "br" | undefined;
  /** Whether it was compressed when the page was built, so that the answer depends on what the client takes. */
  readonly varies: boolean;
  /** Opens it. */
  readonly body: () => ReadableStream;
}

/** Folders and files with plain names; nothing hidden and nothing above. */
const PATH = /^(?:[\w-][\w.-]*\/)*[\w-][\w.-]*$/;

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  ico: "image/x-icon",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  mjs: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  wasm: "application/wasm",
  webmanifest: "application/manifest+json",
  webp: "image/webp",
  woff2: "font/woff2",
};

/** Beside a file, as the build made it. */
const BROTLI = ".br";
/** Unless it says that it would rather not. */
const TAKES_BROTLI = /\bbr\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/;

/**
 * A file of the page in the smallest form that the client takes; undefined where there is none of that name.
 * @param name relative to the folder, as in a URL: with slashes, and without one at the beginning
 * @param accepted the request's `accept-encoding`
 */
export async function pageFile(
  folder: string,
  name: string,
  accepted: string,
): Promise<PageFile | undefined> {
  if (!PATH.test(name) || name.endsWith(BROTLI)) return undefined;
  const file = path.join(folder, name);
  const [plain, brotli] = await Promise.all([stateOf(file), stateOf(`${file}${BROTLI}`)]);
  if (!plain) return undefined;
  const compressed = TAKES_BROTLI.test(accepted) ? brotli : undefined;
  const { bytes, modifiedMs } = compressed ?? plain;
  const version = [bytes, Math.round(modifiedMs)].map((number) => number.toString(36)).join("-");
  return {
    type: TYPES[path.extname(name).slice(1)] ?? "application/octet-stream",
    bytes,
    etag: `"${version}${compressed ? "-br" : ""}"`,
    encoding: compressed ? "br" : undefined,
    varies: brotli !== undefined,
    body: () => streamOf(compressed ? `${file}${BROTLI}` : file),
  };
}

interface State {
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** Undefined for what is no file. */
async function stateOf(file: string): Promise<State | undefined> {
  try {
    const state = await stat(file);
    return state.isFile() ? { bytes: state.size, modifiedMs: state.mtimeMs } : undefined;
  } catch {
    return undefined;
  }
}

function streamOf(file: string): ReadableStream {
  return Readable.toWeb(createReadStream(file)) as ReadableStream;
}
