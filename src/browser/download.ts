/** One file over HTTP, as it comes in. */

import { MixcacheError, messageOf } from "../errors.ts";

/** A server that sends nothing for so long is given up. */
const STALL_MS = 60_000;

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  /** No more than this is read: what is longer is another file. */
  readonly maxBytes?: number;
  /** Bytes that came since the last call. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Downloads a file past the browser's HTTP cache, which would keep a second copy, or an old one.
 * @returns undefined where the server has no such file
 * @throws MixcacheError `bundle_unreadable` where the connection ends, or the server stops or refuses
 */
export async function download(
  address: URL,
  { signal, maxBytes = Number.POSITIVE_INFINITY, onBytes }: DownloadOptions = {},
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const stall = new AbortController();
  const seconds = STALL_MS / 1000;
  const giveUp = () => stall.abort(new Error(`nothing came for ${seconds} s`));
  let timer = setTimeout(giveUp, STALL_MS);
  try {
    const signals = signal ? [signal, stall.signal] : [stall.signal];
    const response = await fetch(address, { cache: "no-store", signal: AbortSignal.any(signals) });
    if (response.status === 404 || response.status === 410) return undefined;
    if (!response.ok) throw new Error(`the server answered with the status ${response.status}`);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of chunksOf(response)) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, STALL_MS);
      length += chunk.length;
      onBytes?.(chunk.length);
      chunks.push(chunk);
      if (length > maxBytes) break;
    }
    return joined(chunks, length);
  } catch (cause) {
    throw new MixcacheError(
      "bundle_unreadable",
      `${address} could not be downloaded (${messageOf(cause)}). Check the connection and the server.`,
      { cause },
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Safari's streams are no async iterables. */
async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
