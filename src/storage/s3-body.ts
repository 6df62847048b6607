/** Bodies on their way to S3: counted, hashed, and kept from arriving where they are not what was promised. */

import { createHash } from "node:crypto";
import { MixcacheError } from "../errors.ts";
import type { ObjectBody, Written } from "./contract.ts";

/** Passes a body on and knows what went through. Its failure ends the upload before anything of it is visible. */
export class CountedBody {
  readonly #body: ObjectBody;
  readonly #expected: string | undefined;
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #written: Written | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param expected the SHA-256 that it must have */
  constructor(body: ObjectBody, expected: string | undefined) {
    this.#body = body;
    this.#expected = expected;
  }

  /** What went through, once all of it has. */
  get written(): Written {
    if (!this.#written) throw new TypeError("The body has not come to its end.");
    return this.#written;
  }

  /** What the body itself threw, or the digest's mismatch: to be told from what S3 says. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** @throws what the body throws; MixcacheError `storage_digest_mismatch` at the end */
  async *chunks(): AsyncGenerator<Uint8Array> {
    // What is thrown at a yield comes from the stream that reads this, when the upload has failed and it is destroyed.
    let isRead = false;
    try {
      for await (const chunk of this.#body instanceof Uint8Array ? [this.#body] : this.#body) {
        this.#hash.update(chunk);
        this.#bytes += chunk.byteLength;
        isRead = true;
        if (chunk.byteLength > 0) yield chunk;
        isRead = false;
      }
      this.#end();
    } catch (error) {
      if (!isRead) this.#failure = { error };
      throw error;
    }
  }

  #end(): void {
    const sha256 = this.#hash.digest("hex");
    if (this.#expected !== undefined && sha256 !== this.#expected)
      throw new MixcacheError(
        "storage_digest_mismatch",
        `What was to be stored has the SHA-256 ${sha256} and not ${this.#expected}; it was changed on its way. Try again.`,
      );
    this.#written = { bytes: this.#bytes, sha256 };
  }
}

/** The beginning of a body, and what comes after it: undefined where it was all of it. */
export interface Head {
  readonly bytes: Buffer;
  readonly rest: AsyncGenerator<Uint8Array> | undefined;
}

/** Reads a body until it ends or is larger than this. */
export async function readHead(chunks: AsyncGenerator<Uint8Array>, mostBytes: number): Promise<Head> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const next = await chunks.next();
    if (next.done) return { bytes: Buffer.concat(parts), rest: undefined };
    parts.push(next.value);
    bytes += next.value.byteLength;
    if (bytes > mostBytes) return { bytes: Buffer.concat(parts), rest: chunks };
  }
}

/** Puts both back together, in pieces of at most 1 MiB, so that nothing large is copied at once. */
export async function* joined({ bytes, rest }: Head): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
  if (rest) yield* rest;
}

const PIECE_BYTES = 2 ** 20;
