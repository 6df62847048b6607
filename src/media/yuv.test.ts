import { describe, expect, it } from "vitest";
import { rgbToI420 } from "./yuv.ts";

/** One 2x2 picture of one colour: `[Y, U, V]`. */
function yuvOf(...rgb: readonly number[]): number[] {
  const { data } = rgbToI420(Uint8Array.from([rgb, rgb, rgb, rgb].flat()), 2, 2);
  return [data[0], data[4], data[5]].map(Number);
}

describe("rgbToI420", () => {
  it("gives the BT.709 limited-range values of the standard's primaries", () => {
    expect(yuvOf(255, 255, 255)).toEqual([235, 128, 128]);
    expect(yuvOf(0, 0, 0)).toEqual([16, 128, 128]);
    expect(yuvOf(255, 0, 0)).toEqual([63, 102, 240]);
    expect(yuvOf(0, 255, 0)).toEqual([173, 42, 26]);
    expect(yuvOf(0, 0, 255)).toEqual([32, 240, 118]);
  });

  it("grows odd sides by repeating the last row and column, so that no border appears", () => {
    const picture = rgbToI420(new Uint8Array(3 * 1 * 3).fill(255), 3, 1);
    expect(picture).toMatchObject({ width: 4, height: 2 });
    expect([...picture.data]).toEqual([...Array(8).fill(235), ...Array(4).fill(128)]);
  });
});
