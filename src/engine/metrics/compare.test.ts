/** What the lab believes of quality: the same numbers as reference implementations, and numbers that make sense. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { RgbFrames } from "../frames.ts";
import { compareVideos, type VideoMetrics } from "./compare.ts";
import { sharpnessAlarm } from "./sharpness.ts";
import { blurred, brighter, frozen, noisy, scene, swapped } from "./testing.ts";

const video = scene(64, 64, 4);

describe("against reference implementations", () => {
  interface Case {
    readonly size: readonly [number, number, number];
    readonly distortion: string;
    readonly checksums: readonly number[];
    readonly metrics: VideoMetrics;
  }
  const file = new URL("../../../test/fixtures/metrics.json", import.meta.url);
  const { cases } = JSON.parse(readFileSync(file, "utf8")) as { cases: Case[] };
  const distortions: Record<string, (video: RgbFrames) => RgbFrames> = {
    "noise 2": (reference) => noisy(reference, 2),
    "noise 30": (reference) => noisy(reference, 30),
    blur: blurred,
    "brighter by 7": (reference) => brighter(reference, 7),
    frozen,
    "red and blue swapped": swapped,
  };
  const checksum = ({ data }: RgbFrames) =>
    data.reduce((total, byte) => (Math.imul(total, 31) + byte) >>> 0, 0);

  it("sees every case", () => expect(cases).toHaveLength(18));

  it.each(cases)("$distortion at $size", ({ size, distortion, checksums, metrics }) => {
    const reference = scene(...size);
    const distorted = distortions[distortion]?.(reference) ?? reference;
    expect([reference, distorted].map(checksum), "the videos themselves").toEqual(checksums);
    const found = compareVideos(reference, distorted);
    const digits = (values: VideoMetrics) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.toFixed(9)]));
    expect(digits(found)).toEqual(digits(metrics));
  });
});

describe("equal videos", () => {
  const perfect = {
    psnr: 100,
    psnr_video: 100,
    ssim: 1,
    haarpsi: expect.closeTo(1, 10),
    gmsd: 0,
    psnr_temporal: 100,
    sharpness_ratio: 1,
  };

  it("are perfect by every metric", () => {
    expect(compareVideos(video, { ...video, data: video.data.slice() })).toEqual(perfect);
  });

  it("are so even where there is nothing to see", () => {
    for (const level of [0, 128]) {
      const flat = { width: 32, height: 16, count: 2, data: new Uint8Array(32 * 16 * 2 * 3).fill(level) };
      expect(compareVideos(flat, flat)).toEqual(perfect);
    }
  });
});

describe("known cases", () => {
  it("a constant offset has a closed form, and no error over time", () => {
    const found = compareVideos(video, brighter(video, 10));
    const expected = 20 * Math.log10(255 / 10);
    expect(found.psnr).toBeCloseTo(expected, 10);
    expect(found.psnr_video).toBeCloseTo(expected, 10);
    expect(found.psnr_temporal).toBe(100);
    expect(found.sharpness_ratio).toBeCloseTo(1, 10);
  });

  it("an error in one of four frames: the mean of PSNRs and the PSNR of the mean part", () => {
    const data = video.data.slice();
    data.fill(0, 0, data.length / 4);
    const found = compareVideos(video, { ...video, data });
    const first = found.psnr_video - 10 * Math.log10(4);
    expect(found.psnr).toBeCloseTo((first + 300) / 4, 10);
  });

  it("an error below the harness's threshold is none", () => {
    // One level in one of 2 · 128 · 128 · 3 values: an MSE of 1.6e-10, so seen; in twice as many it is not.
    const error = (count: number) => {
      const black = { width: 128, height: 128, count, data: new Uint8Array(128 * 128 * count * 3) };
      return compareVideos(black, { ...black, data: black.data.with(0, 1) }).psnr_video;
    };
    expect(error(2)).toBeLessThan(100);
    expect(error(4)).toBe(100);
  });

  it("errors that stay are none over time; errors that flicker count more than in the frames", () => {
    const frame = video.data.length / video.count;
    const flicker = video.data.map((value, i) => value + (Math.floor(i / frame) % 2 === 0 ? 7 : -7));
    const [stays, flickers] = [brighter(video, 7), { ...video, data: flicker }].map((v) =>
      compareVideos(video, v),
    );
    expect(flickers?.psnr).toBeCloseTo(stays?.psnr ?? 0, 10);
    expect(stays?.psnr_temporal).toBe(100);
    expect(flickers?.psnr_temporal).toBeCloseTo(20 * Math.log10(255 / 14), 10);
  });

  it("of a frozen video all motion is missing", () => {
    const still = frozen(video);
    const withoutMotion = { ...video, data: new Uint8Array(video.data.length) };
    const motion = compareVideos(withoutMotion, video).psnr_temporal;
    expect(compareVideos(video, still).psnr_temporal).toBe(motion);
    expect(motion).toBeLessThan(30);
  });

  it("colours alone count for HaarPSI, not for what sees luminance only", () => {
    const grey = (r: number, g: number, b: number): RgbFrames => ({
      ...video,
      data: video.data.map((_, i) => [r, g, b][i % 3] ?? 0),
    });
    // Of nearly equal luminance (127.96 and 128.1).
    const found = compareVideos(grey(150, 120, 111), grey(120, 140, 88));
    expect(found.gmsd).toBeLessThan(0.001);
    expect(found.haarpsi).toBeLessThan(0.95);
  });
});

describe("order", () => {
  const symmetric = ["psnr", "psnr_video", "ssim", "haarpsi", "gmsd", "psnr_temporal"] as const;

  it("does not matter, but for sharpness, which turns over", () => {
    const other = noisy(blurred(video), 9);
    const [forth, back] = [compareVideos(video, other), compareVideos(other, video)];
    for (const name of symmetric) expect(back[name], name).toBeCloseTo(forth[name], 10);
    expect(back.sharpness_ratio * forth.sharpness_ratio).toBeCloseTo(1, 10);
  });

  it("more noise is worse by every metric", () => {
    const levels = [1, 4, 12, 30, 70].map((most) => compareVideos(video, noisy(video, most)));
    expectWorse(levels);
    for (const [i, { sharpness_ratio }] of levels.entries())
      expect(sharpness_ratio).toBeGreaterThan(levels[i - 1]?.sharpness_ratio ?? 1);
  });

  it("more blur is worse by every metric", () => {
    const once = blurred(video);
    const twice = blurred(once);
    const levels = [once, twice, blurred(twice)].map((other) => compareVideos(video, other));
    expectWorse(levels);
    for (const [i, { sharpness_ratio }] of levels.entries())
      expect(sharpness_ratio).toBeLessThan(levels[i - 1]?.sharpness_ratio ?? 1);
  });

  function expectWorse(levels: readonly VideoMetrics[]): void {
    for (const [i, level] of levels.entries()) {
      const before = levels[i - 1] ?? compareVideos(video, video);
      for (const name of symmetric) {
        const worse = name === "gmsd" ? level[name] - before[name] : before[name] - level[name];
        expect(worse, `${name} at ${i}`).toBeGreaterThan(0);
      }
    }
  }
});

describe("the sharpness alarm", () => {
  it("sounds for blur and for added grain, not for what nobody sees", () => {
    const ratio = (other: RgbFrames) => compareVideos(video, other).sharpness_ratio;
    expect(sharpnessAlarm(ratio(blurred(video)))).toBe(true);
    expect(sharpnessAlarm(ratio(noisy(video, 30)))).toBe(true);
    expect(sharpnessAlarm(ratio(noisy(video, 1)))).toBe(false);
    expect(sharpnessAlarm(ratio(brighter(video, 10)))).toBe(false);
  });

  it("sounds just beyond its limits, and where there is no ratio", () => {
    expect([0.85, 1, 1.15].map(sharpnessAlarm)).toEqual([false, false, false]);
    expect([0.849, 1.151, Infinity, Number.NaN].map(sharpnessAlarm)).toEqual([true, true, true, true]);
  });
});

describe("refusals name the field and the fix", () => {
  const refusal = (reference: RgbFrames, other: RgbFrames) => {
    try {
      compareVideos(reference, other);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it("different sizes", () => {
    expect(refusal(video, scene(64, 48, 4))).toMatchObject({
      code: "invalid_argument",
      field: "video",
      message:
        "The video is 64×48 with 4 frames, its reference 64×64 with 4 frames. Generate both with the same size and number of frames.",
    });
    expect(refusal(video, scene(64, 64, 5))).toMatchObject({ field: "video" });
  });

  it("what is too small to measure", () => {
    const small = scene(15, 64, 4);
    const message = "The reference is 15×64 with 4 frames. Give at least 2 frames of 16×16 pixels.";
    expect(refusal(small, small)).toMatchObject({ field: "reference", message });
    const image = scene(64, 64, 1);
    expect(refusal(image, image)).toMatchObject({ field: "reference" });
  });

  it("data that is not of its size", () => {
    const short = { ...video, data: video.data.slice(1) };
    expect(refusal(video, short)).toMatchObject({
      field: "video",
      message: expect.stringContaining("49151 bytes"),
    });
  });
});
