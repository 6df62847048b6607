/** Bodies of requests, never more of them than a fixed size in memory. */

import { MixcacheError } from "../errors.ts";

/** Far more than the longest request. No version of the API takes more: files would come by reference. */
export const MAX_BODY_BYTES = 1 << 20;

/** What was read of a body. */
export interface ReadBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** False where there is more than may be read; what comes after it stays unread. */
  readonly whole: boolean;
}

/** Reads up to `MAX_BODY_BYTES`, whatever the request says of its length. */
export async function readUpToLimit(request: Request): Promise<ReadBody> {
  const declared = Number(request.headers.get("content-length") ?? Number.NaN);
  if (declared <= MAX_BODY_BYTES) return { bytes: new Uint8Array(await request.arrayBuffer()), whole: true };
  if (!request.body) return { bytes: new Uint8Array(), whole: true };
  const reader = request.body.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    length += part.value.byteLength;
    if (length > MAX_BODY_BYTES) break;
  }
  // Not cancelled: a connection that is cut while the client still sends would hide the answer from it.
  reader.releaseLock();
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
  return { bytes, whole: length <= MAX_BODY_BYTES };
}

/** What is said of a body that is larger. */
export function bodyTooLarge(): MixcacheError {
  return new MixcacheError(
    "body_too_large",
    `The body is larger than ${MAX_BODY_BYTES} bytes. A request needs far less; leave uploads out.`,
  );
}
