import { describe, expect, it } from "vitest";
import type { RgbFrames } from "../../engine/frames.ts";
import { decibels, differenceOf, frameOf, nearness } from "./nearness.ts";

const video = (...frames: number[]): RgbFrames => ({
  width: 2,
  height: 1,
  count: frames.length,
  data: Uint8Array.from(frames.flatMap((value) => Array<number>(6).fill(value))),
});

describe("nearness", () => {
  it("is told of each frame and of all", () => {
    // 255 / 51 is 5: 20 log10 5.
    const found = nearness(video(0, 100), video(51, 100));
    expect(found?.frames[0]).toBeCloseTo(20 * Math.log10(5), 10);
    expect(found?.frames[1]).toBe(100);
    expect(found?.mean).toBeCloseTo((20 * Math.log10(5) + 100) / 2, 10);
  });

  it("is not told of videos of another size or length", () => {
    expect(nearness(video(0), video(0, 0))).toBeUndefined();
    expect(nearness(video(0), { ...video(0), width: 1, height: 2 })).toBeUndefined();
  });

  it("has words", () => {
    expect(decibels(100)).toBe("identical");
    expect(decibels(47.34)).toBe("47.3 dB");
  });
});

it("a difference is grey where there is none, and never runs over", () => {
  expect([...differenceOf(video(10), video(10)).data]).toEqual(Array(6).fill(128));
  expect([...differenceOf(video(0), video(255)).data]).toEqual(Array(6).fill(255));
  expect([...differenceOf(video(255), video(0)).data]).toEqual(Array(6).fill(0));
  expect([...differenceOf(video(10), video(12)).data]).toEqual(Array(6).fill(144));
});

it("a frame is a part of its video", () => {
  expect([...frameOf(video(1, 2, 3), 1).data]).toEqual(Array(6).fill(2));
});
