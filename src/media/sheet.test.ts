import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { DIGITAL_SOURCE_TYPE } from "./mark.ts";
import { columnsFor, contactSheet } from "./sheet.ts";
import { movingSquare, SQUARE } from "./testing.ts";

async function decode(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const pixel = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3).subarray(0, 3)];
  return { ...info, pixel };
}

describe("contact sheet", () => {
  it.each([
    [1, 1],
    [5, 5],
    [8, 8],
    [9, 5],
    [12, 6],
    [16, 8],
    [17, 6],
    [24, 8],
    [81, 8],
  ])("lays %i frames out in rows of %i", (count, columns) => {
    expect(columnsFor(count)).toBe(columns);
  });

  it("shows 16 frames as two rows of eight, each frame in its place, enlarged with hard edges", async () => {
    const sheet = await decode(await contactSheet(movingSquare()));
    expect(sheet).toMatchObject({ width: 4 + 8 * 132, height: 4 + 2 * 132, channels: 3 });
    for (let index = 0; index < 16; index++) {
      const left = 4 + (index % 8) * 132;
      const top = 4 + Math.floor(index / 8) * 132;
      // The square's left edge, two sheet pixels to a source pixel.
      const edge = left + SQUARE.leftOf(index) * 2;
      expect(sheet.pixel(edge, top + 60)).toEqual([...SQUARE.rgb]);
      expect(sheet.pixel(edge - 1, top + 60)).not.toEqual([...SQUARE.rgb]);
    }
    expect(sheet.pixel(0, 0)).toEqual([24, 24, 27]);
  });

  it("stacks videos of different sizes, and shrinks large ones", async () => {
    const sheet = await decode(
      await contactSheet([{ frames: movingSquare(2) }, { frames: movingSquare(3, 640, 320) }], { gap: 10 }),
    );
    expect(sheet).toMatchObject({ width: 10 + 3 * 330, height: 10 + 138 + 10 + 170 });
  });

  it("makes room for labels and draws them, whatever characters they have", async () => {
    const frames = movingSquare(2);
    const plain = await decode(await contactSheet(frames));
    const label = "a <sky> & \u0000 \ud800 'x' 雲 ".repeat(20);
    const labelled = await decode(await contactSheet([{ frames, label }]));
    expect(labelled.width).toBe(plain.width);
    // Without any font the label is left out, and the sheet is the plain one.
    expect([plain.height, plain.height + 26]).toContain(labelled.height);
  });

  it("says that it is AI-generated, as XMP", async () => {
    const { xmpAsString } = await sharp(await contactSheet(movingSquare(1))).metadata();
    expect(xmpAsString).toContain(`Iptc4xmpExt:DigitalSourceType="${DIGITAL_SOURCE_TYPE}"`);
  });

  it("gives the same bytes for the same frames", async () => {
    const videos = [{ frames: movingSquare(3), label: "twice" }];
    expect(await contactSheet(videos)).toEqual(await contactSheet(videos));
  });

  it("refuses bad arguments in sentences", async () => {
    await expect(contactSheet([])).rejects.toThrow(/at least one video/);
    await expect(contactSheet(movingSquare(1), { columns: 0 })).rejects.toThrow(/columns must be/);
    await expect(contactSheet(movingSquare(1), { gap: -1 })).rejects.toThrow(/gap must be/);
    await expect(contactSheet(movingSquare(300), { columns: 300 })).rejects.toThrow(/show fewer frames/);
  });
});
