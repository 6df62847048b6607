/** MP4 boxes of a finished file: walking them, clearing their clocks, adding an XMP packet. */

/** One box: `type` is four characters; the offsets are bytes into the walked buffer. */
export interface Box {
  readonly type: string;
  /** Where its header starts. */
  readonly start: number;
  /** Where its contents start. */
  readonly contents: number;
  /** Just past its end. */
  readonly end: number;
}

/** Boxes that hold boxes, as far as the clocks lie: `moov/trak/mdia`. */
const CONTAINERS = new Set(["moov", "trak", "mdia"]);

/** Boxes that open with version, flags, creation time, modification time. */
const CLOCKED = new Set(["mvhd", "tkhd", "mdhd"]);

/** The `uuid` box type under which the XMP specification (part 3) puts a packet into an MP4. */
const XMP_UUID = [
  0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac,
] as const;

/**
 * The boxes of `bytes` between two offsets, one level deep.
 * @throws RangeError when a size runs past the end: the bytes are no MP4.
 */
export function* boxesOf(bytes: Uint8Array, from = 0, to = bytes.byteLength): Generator<Box> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = from;
  while (start < to) {
    if (start + 8 > to) throw new RangeError(`There is a truncated MP4 box at byte ${start}.`);
    let size = view.getUint32(start);
    let contents = start + 8;
    if (size === 1) {
      if (start + 16 > to) throw new RangeError(`There is a truncated MP4 box at byte ${start}.`);
      size = Number(view.getBigUint64(start + 8));
      contents = start + 16;
    } else if (size === 0) {
      size = to - start;
    }
    const end = start + size;
    if (end < contents || end > to) {
      throw new RangeError(`The MP4 box at byte ${start} runs past the end.`);
    }
    yield { type: String.fromCharCode(...bytes.subarray(start + 4, start + 8)), start, contents, end };
    start = end;
  }
}

/**
 * Sets every creation and modification time to 0, "not set", in place. The muxer writes the wall clock
 * there and has no option for it, so that the same frames would give other bytes every second.
 * @throws RangeError when `bytes` is no MP4.
 */
export function clearClocks(bytes: Uint8Array, from = 0, to = bytes.byteLength): void {
  for (const box of boxesOf(bytes, from, to)) {
    if (CONTAINERS.has(box.type)) clearClocks(bytes, box.contents, box.end);
    if (CLOCKED.has(box.type)) {
      // Version 1 has two 64-bit times, version 0 two 32-bit ones.
      const timesBytes = bytes[box.contents] === 1 ? 16 : 8;
      bytes.fill(0, box.contents + 4, box.contents + 4 + timesBytes);
    }
  }
}

/** A copy of the MP4 with an XMP packet behind it; at the end it moves no offset inside the file. */
export function appendXmp(bytes: Uint8Array, xmp: string): Uint8Array {
  const packet = new TextEncoder().encode(xmp);
  const size = 8 + XMP_UUID.length + packet.byteLength;
  const out = new Uint8Array(bytes.byteLength + size);
  out.set(bytes);
  const box = out.subarray(bytes.byteLength);
  new DataView(out.buffer, bytes.byteLength).setUint32(0, size);
  box.set(new TextEncoder().encode("uuid"), 4);
  box.set(XMP_UUID, 8);
  box.set(packet, 8 + XMP_UUID.length);
  return out;
}

/** The XMP packet of an MP4, or undefined when it has none. */
export function readXmp(bytes: Uint8Array): string | undefined {
  for (const box of boxesOf(bytes)) {
    if (box.type !== "uuid") continue;
    const uuid = bytes.subarray(box.contents, box.contents + XMP_UUID.length);
    if (XMP_UUID.every((byte, index) => uuid[index] === byte)) {
      // TextDecoder would otherwise eat a byte-order mark at the start; XMP keeps one inside its first line.
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        bytes.subarray(box.contents + XMP_UUID.length, box.end),
      );
    }
  }
  return undefined;
}
