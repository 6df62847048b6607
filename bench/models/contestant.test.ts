import { expect, it } from "vitest";
import { errorsOf, type Video } from "./contestant.ts";

const times = { textMs: 0, denoiseMs: 0, decodeMs: 0, cpuMs: undefined };
const reference: Video = { ...times, latents: Float32Array.of(3, 0, -4), levels: [10.2, 20, 30] };

it("a video like the reference, but for the rounding of levels, has no error", () => {
  expect(errorsOf({ ...reference, levels: [10, 20, 30] }, reference)).toEqual({
    largest: 0,
    relative: 0,
    psnr: Number.POSITIVE_INFINITY,
  });
});

it("errors are relative to the reference", () => {
  const video = { ...times, latents: Float32Array.of(3, 1, -4), levels: [10, 20, 31] };
  const { largest, relative, psnr } = errorsOf(video, reference);
  expect(largest).toBeCloseTo(1 / 4);
  expect(relative).toBeCloseTo(1 / 5);
  expect(psnr).toBeCloseTo(10 * Math.log10(255 ** 2 * 3));
});

it("another size is no video to compare with", () => {
  expect(errorsOf({ ...reference, latents: Float32Array.of(3, 0) }, reference).largest).toBeNaN();
});
