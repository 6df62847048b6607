import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { DIGITAL_SOURCE_TYPE } from "./mark.ts";
import { differenceOf, movingSquare } from "./testing.ts";
import { upscale } from "./upscale.ts";
import { encodeWebp, frameDelaysMilliseconds } from "./webp.ts";

async function decode(bytes: Uint8Array) {
  const image = sharp(bytes, { animated: true });
  return { metadata: await image.metadata(), pixels: await image.removeAlpha().raw().toBuffer() };
}

describe("animated WebP", () => {
  const frames = movingSquare();

  it("gives back every pixel of every frame, loops for ever and keeps time", async () => {
    const { metadata, pixels } = await decode(await encodeWebp(frames, { fps: 8 }));
    expect(metadata).toMatchObject({ pages: 16, width: 64, pageHeight: 64, loop: 0 });
    expect(metadata.delay).toEqual(Array(16).fill(125));
    expect(differenceOf(pixels, frames.data).largest).toBe(0);
  });

  it("stays close with a lossy quality, at the size that a person watches", async () => {
    const smooth = await upscale(frames, { factor: 4, method: "lanczos" });
    const { metadata, pixels } = await decode(await encodeWebp(smooth, { fps: 8, quality: 92 }));
    expect(metadata.pages).toBe(16);
    expect(differenceOf(pixels, smooth.data).mean).toBeLessThan(1.5);
  });

  it("says that it is AI-generated, as XMP", async () => {
    const { metadata } = await decode(await encodeWebp(movingSquare(2), { fps: 8 }));
    expect(metadata.xmpAsString).toContain(`Iptc4xmpExt:DigitalSourceType="${DIGITAL_SOURCE_TYPE}"`);
  });

  it("keeps the whole length when two frames in a row are equal", async () => {
    const [a, b] = [movingSquare(1).data, movingSquare(2).data.subarray(64 * 64 * 3)];
    const data = new Uint8Array(Buffer.concat([a, b, b, a]));
    const { metadata } = await decode(await encodeWebp({ ...frames, count: 4, data }, { fps: 10 }));
    expect(metadata.delay?.reduce((sum, delay) => sum + delay, 0)).toBe(400);
  });

  it("spreads what whole milliseconds cannot say, so that a long video does not drift", () => {
    expect(frameDelaysMilliseconds(3, 24)).toEqual([42, 41, 42]);
    expect(frameDelaysMilliseconds(240, 24).reduce((sum, delay) => sum + delay, 0)).toBe(10_000);
  });

  it("refuses what WebP cannot hold, in sentences", async () => {
    const wide = { width: 16384, height: 1, count: 1, data: new Uint8Array(16384 * 3) };
    await expect(encodeWebp(wide, { fps: 8 })).rejects.toThrow(/at most 16383 pixels/);
    await expect(encodeWebp(frames, { fps: 8, quality: 0 })).rejects.toThrow(/lossless or a whole number/);
    await expect(encodeWebp(frames, { fps: 0 })).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
