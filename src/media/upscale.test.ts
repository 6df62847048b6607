import { describe, expect, it } from "vitest";
import { frameAt } from "./frames.ts";
import { movingSquare } from "./testing.ts";
import { resize, upscale } from "./upscale.ts";

const small = movingSquare(2);

describe("upscale", () => {
  it("makes a 64x64 video 512x512 when nobody says how large", async () => {
    expect(await upscale(small)).toMatchObject({ width: 512, height: 512, count: 2 });
    expect(await upscale(movingSquare(1, 100, 40))).toMatchObject({ width: 600, height: 240 });
  });

  it("leaves a video that is large enough untouched, without a copy", async () => {
    const large = movingSquare(1, 512, 8);
    expect(await upscale(large)).toBe(large);
  });

  it("repeats every pixel exactly with nearest, in every frame", async () => {
    const large = await upscale(small, { factor: 3 });
    for (let index = 0; index < small.count; index++) {
      const source = frameAt(small, index);
      const pixels = frameAt(large, index);
      for (let y = 0; y < large.height; y++) {
        for (let x = 0; x < large.width; x++) {
          const from = (Math.floor(y / 3) * small.width + Math.floor(x / 3)) * 3;
          const at = (y * large.width + x) * 3;
          if (pixels[at] !== source[from] || pixels[at + 2] !== source[from + 2]) {
            throw new Error(`Frame ${index} differs at ${x},${y}.`);
          }
        }
      }
    }
  });

  it("follows the aspect ratio when one side is given", async () => {
    const wide = movingSquare(1, 64, 32);
    expect(await upscale(wide, { width: 160 })).toMatchObject({ width: 160, height: 80 });
    expect(await upscale(wide, { height: 80 })).toMatchObject({ width: 160, height: 80 });
    expect(await upscale(wide, { width: 100, height: 90 })).toMatchObject({ width: 100, height: 90 });
  });

  it("smooths with lanczos: flat areas keep their colour, edges get values in between", async () => {
    const large = await upscale(small, { factor: 4, method: "lanczos" });
    const red = (x: number, y: number) => large.data[(y * 256 + x) * 3];
    expect(red(14 * 4, 30 * 4)).toBe(220);
    const edge = [0, 1, 2, 3].map((step) => red(4 * 4 - 2 + step, 30 * 4) ?? 0);
    expect(edge.some((value) => value > 60 && value < 200)).toBe(true);
  });

  it("never mixes neighbouring frames", async () => {
    const data = new Uint8Array(2 * 8 * 8 * 3).fill(255, 8 * 8 * 3);
    const large = await upscale({ width: 8, height: 8, count: 2, data }, { factor: 2, method: "lanczos" });
    expect(Math.max(...frameAt(large, 0))).toBe(0);
    expect(Math.min(...frameAt(large, 1))).toBe(255);
  });

  it("can shrink too, for contact sheets", async () => {
    expect(await resize(small, 16, 8, "lanczos")).toMatchObject({ width: 16, height: 8, count: 2 });
  });

  it.each([
    [{ factor: 1.5 }, /factor must be a whole number/],
    [{ factor: 0 }, /factor must be a whole number/],
    [{ factor: 2, width: 128 }, /not both/],
    [{ width: 32 }, /cannot make 64x64 frames smaller/],
    [{ factor: 1000 }, /more than 8192 pixels/],
    [{ method: "cubic" as "nearest" }, /must be nearest or lanczos/],
  ])("refuses %o in a sentence", async (options, message) => {
    await expect(upscale(small, options)).rejects.toThrow(message);
    await expect(upscale(small, options)).rejects.toMatchObject({
      code: "invalid_argument",
      field: "upscale",
    });
  });
});
