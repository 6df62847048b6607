/** Frames to and from a torch worker: whatever way the bytes are cut, and whatever bytes they are. */

import { describe, expect, it } from "vitest";
import {
  encodeFrame,
  FrameReader,
  MAX_HEADER_BYTES,
  MAX_PAYLOAD_BYTES,
  PREFIX_BYTES,
} from "../../src/engine/segments/torch-frames.ts";

const TENSOR = { dtype: "float32", dims: [1, 2] } as const;
const bytesOf = (...pieces: Uint8Array[]) => new Uint8Array(Buffer.concat(pieces));
const payload = new Uint8Array(Float32Array.of(1.5, -2).buffer);
const two = bytesOf(
  ...encodeFrame({ type: "upload", call: 1, tensors: [TENSOR] }, payload),
  ...encodeFrame({ type: "done", call: 2 }),
);

/** A prefix with these lengths, and nothing behind it. */
function prefix(headerBytes: number, payloadBytes: bigint, magic = "MXF1"): Uint8Array {
  const bytes = new Uint8Array(PREFIX_BYTES);
  bytes.set(new TextEncoder().encode(magic));
  const view = new DataView(bytes.buffer);
  view.setUint32(4, headerBytes, true);
  view.setBigUint64(8, payloadBytes, true);
  return bytes;
}

describe("a stream of frames", () => {
  it.each([1, 3, 16, 17, 1000])("is the same in pieces of %i bytes", (size) => {
    const reader = new FrameReader();
    const frames = [];
    for (let at = 0; at < two.length; at += size) frames.push(...reader.push(two.subarray(at, at + size)));
    expect(frames.map(({ header }) => header)).toEqual([
      { type: "upload", call: 1, tensors: [TENSOR] },
      { type: "done", call: 2, tensors: [] },
    ]);
    expect([...new Float32Array(frames[0]?.payload.buffer as ArrayBuffer)]).toEqual([1.5, -2]);
    expect(reader.atBoundary).toBe(true);
  });

  it("that is cut short anywhere is noticed", () => {
    for (let length = 1; length < two.length; length++) {
      const reader = new FrameReader();
      const whole = reader.push(two.subarray(0, length)).length;
      const first = two.length - encodeFrame({ type: "done", call: 2 }).reduce((n, p) => n + p.length, 0);
      expect(reader.atBoundary, `${length} bytes`).toBe(length === first);
      expect(whole).toBe(length >= first ? 1 : 0);
    }
  });
});

describe("bytes that are no frame are refused", () => {
  const header = (json: string) => bytesOf(prefix(json.length, 0n), new TextEncoder().encode(json));
  it.each([
    ["printed text", new TextEncoder().encode("Loading pipeline components...: 100%"), /no frame begins/],
    ["another layout", prefix(2, 0n, "MXF2"), /no frame begins/],
    ["a header that is too long", prefix(MAX_HEADER_BYTES + 1, 0n), /a header of 16777217 bytes/],
    [
      "a payload that is too long",
      prefix(2, BigInt(MAX_PAYLOAD_BYTES) + 1n),
      /a payload of 1073741825 bytes/,
    ],
    ["a payload of absurd length", prefix(2, 2n ** 63n), /a payload of/],
    ["a header that is not JSON", header("{"), /not JSON/],
    ["an empty header", header(""), /not JSON/],
    ["a header without type", header("{}"), /no type/],
    [
      "a tensor with a negative size",
      header('{"type":"x","tensors":[{"dtype":"float32","dims":[-1]}]}'),
      /no type/,
    ],
    [
      "a tensor of another type",
      header('{"type":"x","tensors":[{"dtype":"bfloat16","dims":[1]}]}'),
      /no type/,
    ],
    [
      "a payload of another length than its tensors'",
      header('{"type":"x","tensors":[{"dtype":"float32","dims":[3]}]}'),
      /has 0 bytes, its tensors 12/,
    ],
  ])("%s", (_, bytes, message) => {
    const push = () => new FrameReader().push(bytes);
    expect(push).toThrow(message);
    expect(push).toThrow(expect.objectContaining({ code: "engine_failed" }));
  });
});
