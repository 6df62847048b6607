/** Objects over HTTP: ranges, HEAD, validators, names (RFC 9110, RFC 6266). */

import type { ByteRange, ObjectInfo, ObjectStore } from "./contract.ts";
import { contentTypeOf } from "./keys.ts";

export interface ServeOptions {
  /** What a browser calls the file; without it the file is shown and not saved. */
  readonly filename?: string;
  /** Goes before the type that the key's ending says. */
  readonly contentType?: string;
  /** Default: `private, no-cache`. */
  readonly cacheControl?: string;
}

/**
 * Answers a GET or HEAD with an object; undefined where there is none. One range is served as 206; several at once are
 * answered with the whole, as RFC 9110 allows; one that lies outside is 416.
 */
export async function serveObject(
  store: ObjectStore,
  key: string,
  request: Request,
  options: ServeOptions = {},
): Promise<Response | undefined> {
  const info = await store.head(key);
  if (!info) return undefined;
  const headers = headersOf(info, options);
  if (matches(request.headers.get("if-none-match"), info.etag)) {
    headers.delete("content-length");
    return new Response(null, { status: 304, headers });
  }
  if (request.method === "HEAD") return new Response(null, { headers });
  const range = isRangeValid(request, info) ? parseRange(request.headers.get("range"), info.bytes) : "whole";
  if (range === "unsatisfiable") {
    headers.set("content-range", `bytes */${info.bytes}`);
    headers.set("content-length", "0");
    return new Response(null, { status: 416, headers });
  }
  const object = await store.get(key, range === "whole" ? {} : { range });
  // Deleted in between.
  if (!object) return undefined;
  if (range === "whole") return new Response(object.body, { headers });
  headers.set("content-range", `bytes ${range.first}-${range.last}/${info.bytes}`);
  headers.set("content-length", String(range.last - range.first + 1));
  return new Response(object.body, { status: 206, headers });
}

function headersOf(info: ObjectInfo, options: ServeOptions): Headers {
  return new Headers({
    "accept-ranges": "bytes",
    "content-type": options.contentType ?? contentTypeOf(info.key),
    "content-length": String(info.bytes),
    "content-disposition": dispositionOf(options.filename),
    etag: info.etag,
    "last-modified": info.modifiedAt.toUTCString(),
    "cache-control": options.cacheControl ?? "private, no-cache",
    "x-content-type-options": "nosniff",
  });
}

/** Content-Disposition: a name twice, in ASCII for old clients and in full; without one the file is shown. */
export function dispositionOf(filename: string | undefined): string {
  if (filename === undefined) return "inline";
  const ascii = filename.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const full = encodeURIComponent(filename).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${full}`;
}

function matches(given: string | null, etag: string): boolean {
  return given !== null && (given.trim() === "*" || given.split(",").some((one) => weak(one) === weak(etag)));
}

function weak(etag: string): string {
  return etag.trim().replace(/^W\//, "");
}

/** A range of what the client has a part of; if the object is another one now, it needs the whole. */
function isRangeValid(request: Request, info: ObjectInfo): boolean {
  const condition = request.headers.get("if-range");
  return condition === null || condition === info.etag || condition === info.modifiedAt.toUTCString();
}

/**
 * Reads a Range header. What isn't one range of bytes is the whole.
 * @param bytes of the object
 */
export function parseRange(header: string | null, bytes: number): ByteRange | "whole" | "unsatisfiable" {
  const found = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? "");
  const [, from = "", to = ""] = found ?? [];
  if (!found || (from === "" && to === "")) return "whole";
  if (from === "") {
    const length = Math.min(Number(to), bytes);
    return length === 0 ? "unsatisfiable" : { first: bytes - length, last: bytes - 1 };
  }
  const first = Number(from);
  const last = to === "" ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (to !== "" && Number(to) < first) return "whole";
  return first >= bytes ? "unsatisfiable" : { first, last };
}
