import { describe, expect, it } from "vitest";
import { appendXmp, boxesOf, clearClocks, readXmp } from "./boxes.ts";

function box(type: string, ...contents: readonly number[]): number[] {
  return [0, 0, 0, contents.length + 8, ...Buffer.from(type), ...contents];
}

const CLOCK = [1, 2, 3, 4, 5, 6, 7, 8];

describe("MP4 boxes", () => {
  it("clears both clocks of every header, of both versions, and nothing else", () => {
    const mp4 = (clock: readonly number[]) =>
      Uint8Array.from([
        ...box("ftyp", 9, 9),
        ...box(
          "moov",
          ...box("mvhd", 0, 0, 0, 0, ...clock, 7),
          ...box(
            "trak",
            ...box("tkhd", 1, 0, 0, 3, ...clock, ...clock, 7),
            ...box("mdia", ...box("mdhd", 0, 0, 0, 0, ...clock, 7)),
          ),
        ),
        ...box("mdat", ...CLOCK),
      ]);
    const bytes = mp4(CLOCK);
    clearClocks(bytes);
    expect(bytes).toEqual(mp4(CLOCK.map(() => 0)));
  });

  it("reads back the XMP packet it appended and leaves the file before it as it was", () => {
    const bytes = Uint8Array.from(box("mdat", 1, 2, 3));
    const marked = appendXmp(bytes, "<x>\uFEFFé</x>");
    expect(marked.subarray(0, bytes.byteLength)).toEqual(bytes);
    expect([...boxesOf(marked)].map(({ type }) => type)).toEqual(["mdat", "uuid"]);
    expect(readXmp(marked)).toBe("<x>\uFEFFé</x>");
    expect(readXmp(bytes)).toBeUndefined();
  });

  it("refuses bytes that are no MP4 instead of walking off the end", () => {
    expect(() => clearClocks(Uint8Array.from([0, 0, 1, 0, ...Buffer.from("moov")]))).toThrow(
      /runs past the end/,
    );
    expect(() => clearClocks(Uint8Array.from([0, 0, 0]))).toThrow(/truncated/);
    expect(() => clearClocks(Uint8Array.from([0, 0, 0, 2, ...Buffer.from("moov")]))).toThrow(/runs past/);
  });
});
