/**
 * Frames between the engine and a torch worker: a JSON header and raw tensors, with their lengths in front.
 *
 *     bytes 0–3    "MXF1"
 *     bytes 4–7    length of the header, little-endian uint32
 *     bytes 8–15   length of the payload, little-endian uint64
 *     header       UTF-8 JSON: one object with a `type`; `tensors` describes the payload
 *     payload      the tensors' elements, one after the other, little-endian, without padding
 */

import { z } from "zod";
import { MixcacheError } from "../../errors.ts";
import type { Dtype } from "./contract.ts";

/** The first bytes of every frame; the digit is that of this layout, not of the messages. */
export const FRAME_MAGIC = "MXF1";
export const PREFIX_BYTES = 16;
/** A manifest with the finest partition of the largest model has about 1 MiB. */
export const MAX_HEADER_BYTES = 2 ** 24;
/** What crosses is latents, frames of one decoder call and texts. */
export const MAX_PAYLOAD_BYTES = 2 ** 30;

const BYTES_OF = { float32: 4, float16: 2, int64: 8 } as const;

const tensorSchema = z.object({
  dtype: z.enum(["float32", "float16", "int64"]),
  dims: z.array(z.int().min(0)).max(16),
});

const headerSchema = z.looseObject({ type: z.string(), tensors: z.array(tensorSchema).max(64).default([]) });

/** How a tensor lies in a payload. */
export interface FrameTensor {
  readonly dtype: Dtype;
  readonly dims: readonly number[];
}

/** Any message; what else it has depends on its type. */
export type FrameHeader = { readonly type: string; readonly tensors: readonly FrameTensor[] } & Readonly<
  Record<string, unknown>
>;

export interface Frame {
  readonly header: FrameHeader;
  readonly payload: Uint8Array;
}

/** Bytes that a tensor takes in a payload. */
export function tensorBytes({ dtype, dims }: FrameTensor): number {
  return dims.reduce((product, dim) => product * dim, BYTES_OF[dtype]);
}

/** A frame as pieces to be written one after the other; the payload is not copied. */
export function encodeFrame(header: object, payload: Uint8Array = new Uint8Array()): Uint8Array[] {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const prefix = new Uint8Array(PREFIX_BYTES);
  const view = new DataView(prefix.buffer);
  prefix.set(new TextEncoder().encode(FRAME_MAGIC));
  view.setUint32(4, json.length, true);
  view.setBigUint64(8, BigInt(payload.length), true);
  const head = new Uint8Array(PREFIX_BYTES + json.length);
  head.set(prefix);
  head.set(json, PREFIX_BYTES);
  return payload.length ? [head, payload] : [head];
}

/**
 * Cuts a stream of bytes into frames. Lengths are checked before memory is taken for them, and the payload's
 * length must be the one that the header's tensors have.
 */
export class FrameReader {
  #part: "prefix" | "header" | "payload" = "prefix";
  #buffer = new Uint8Array(PREFIX_BYTES);
  #filled = 0;
  #payloadBytes = 0;
  #header: FrameHeader = { type: "", tensors: [] };

  /** True between frames; a stream that ends elsewhere was cut short. */
  get atBoundary(): boolean {
    return this.#part === "prefix" && this.#filled === 0;
  }

  /** @throws MixcacheError `engine_failed` where the bytes are no frame; the reader is of no use afterwards. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      const taken = Math.min(chunk.length - offset, this.#buffer.length - this.#filled);
      this.#buffer.set(chunk.subarray(offset, offset + taken), this.#filled);
      this.#filled += taken;
      offset += taken;
      while (this.#filled === this.#buffer.length) {
        const frame = this.#finishPart();
        if (frame) frames.push(frame);
        if (this.#part === "prefix") break;
      }
    }
    return frames;
  }

  #begin(part: "prefix" | "header" | "payload", bytes: number): void {
    this.#part = part;
    this.#buffer = new Uint8Array(bytes);
    this.#filled = 0;
  }

  /** Goes on to the next part; gives the frame when the last one is complete. */
  #finishPart(): Frame | undefined {
    if (this.#part === "prefix") {
      this.#begin("header", this.#readPrefix());
      return undefined;
    }
    if (this.#part === "header") {
      this.#header = this.#readHeader();
      this.#begin("payload", this.#payloadBytes);
      return undefined;
    }
    const frame = { header: this.#header, payload: this.#buffer };
    this.#begin("prefix", PREFIX_BYTES);
    return frame;
  }

  #readPrefix(): number {
    if (new TextDecoder().decode(this.#buffer.subarray(0, 4)) !== FRAME_MAGIC)
      garbage("no frame begins there");
    const view = new DataView(this.#buffer.buffer);
    const headerBytes = view.getUint32(4, true);
    const payloadBytes = Number(view.getBigUint64(8, true));
    if (headerBytes > MAX_HEADER_BYTES) garbage(`a header of ${headerBytes} bytes is announced`);
    if (payloadBytes > MAX_PAYLOAD_BYTES) garbage(`a payload of ${payloadBytes} bytes is announced`);
    this.#payloadBytes = payloadBytes;
    return headerBytes;
  }

  #readHeader(): FrameHeader {
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder().decode(this.#buffer));
    } catch {
      garbage("a header is not JSON");
    }
    const parsed = headerSchema.safeParse(json);
    if (!parsed.success) garbage("a header has no type, or tensors that are none");
    const wanted = parsed.data.tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
    if (wanted !== this.#payloadBytes)
      garbage(`a payload has ${this.#payloadBytes} bytes, its tensors ${wanted}`);
    return parsed.data;
  }
}

function garbage(what: string): never {
  throw new MixcacheError(
    "engine_failed",
    `The torch worker sent bytes that can't be read: ${what}. Its version may be another one, or a library of it ` +
      "prints to stdout.",
  );
}
