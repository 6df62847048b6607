/**
 * The scorer on 96 videos by the true renderer, one for each test prompt. The fixture is the `frames.bin` of
 *
 *     python -m shapes.ground_truth --count 96 --output DIR
 *
 * compressed by brotli (quality 11, window 24); DIR/videos.json is prompts/test.json.
 */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { heldOutPrompts, type Seen } from "./grammar.ts";
import { ATTRIBUTES, adherence, report, scoreVideo } from "./score.ts";

const { width, height, frames: count, videos } = heldOutPrompts();
const layout = { width, height, count };
const each = count * height * width * 3;
const fixture = new URL("../../../test/fixtures/shapes-ground-truth.bin.br", import.meta.url);
const bytes = brotliDecompressSync(readFileSync(fixture));
const video = (index: number) => bytes.subarray(index * each, (index + 1) * each);

const nothing: Seen = { background: "black", colour: "none", shape: "none", motion: "none" };

/** A generator of its own, so that the noise is the same on every run. */
function randomBytes(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

/** What a guess that knows only how often each value occurs among the prompts gets right. */
function chance(attribute: (typeof ATTRIBUTES)[number]): number {
  const sizes = [...Map.groupBy(videos, (v) => v[attribute]).values()].map((group) => group.length);
  return 100 * sizes.reduce((sum, size) => sum + (size / videos.length) ** 2, 0);
}

describe("the adherence scorer", () => {
  const seen: Seen[] = videos.map((_, index) => scoreVideo(video(index), layout));

  it("has at least 96 different prompts that training never saw, each legible", () => {
    expect(videos.length).toBeGreaterThanOrEqual(96);
    expect(bytes.length).toBe(videos.length * each);
    for (const { prompt, colour, background } of videos) {
      expect(prompt).toContain(colour);
      expect(prompt).toContain(`${background} background`);
      expect(colour).not.toBe(background);
    }
  });

  it("reads at least 95 % of the renderer's own videos right, in every attribute", () => {
    const found = report(videos.map((expected, index) => ({ expected, seen: seen[index] ?? nothing })));
    for (const attribute of ATTRIBUTES)
      expect(found[attribute].percent, attribute).toBeGreaterThanOrEqual(95);
    expect(found.all.percent).toBeGreaterThanOrEqual(95);
    for (const [motion, share] of Object.entries(found.byMotion))
      expect(share.percent, motion).toBeGreaterThanOrEqual(75);
  });

  it("is no better than a guess on true videos of other prompts", () => {
    const shifts = [7, 19, 31, 43, 55, 67];
    const pairs = shifts.flatMap((shift) =>
      videos.map((expected, index) => ({ expected, seen: seen[(index + shift) % videos.length] ?? nothing })),
    );
    const found = report(pairs);
    for (const attribute of ATTRIBUTES)
      expect(found[attribute].percent, attribute).toBeLessThan(1.35 * chance(attribute));
    expect(found.all.percent).toBeLessThan(1);
  });

  it("is no better than a guess on noise", () => {
    const noise = Array.from({ length: 8 }, (_, index) => scoreVideo(randomBytes(each, index + 1), layout));
    const pairs = videos.map((expected, index) => ({ expected, seen: noise[index % 8] ?? nothing }));
    const found = report(pairs);
    for (const attribute of ATTRIBUTES) {
      const commonest = Math.max(
        ...[...Map.groupBy(videos, (v) => v[attribute]).values()].map((group) => group.length),
      );
      expect(found[attribute].right, attribute).toBeLessThanOrEqual(commonest);
    }
    expect(found.all.right).toBe(0);
  });

  it("sees no object in an empty picture", () => {
    const empty = new Uint8Array(each).fill(128);
    expect(scoreVideo(empty, layout)).toEqual({ ...nothing, background: "gray" });
  });

  it("still reads the background and the colour of a blurred and noisy video", () => {
    const found = report(
      videos.slice(0, 32).map((expected, index) => ({
        expected,
        seen: scoreVideo(degrade(video(index), index + 1), layout),
      })),
    );
    expect(found.background.percent).toBe(100);
    expect(found.colour.percent).toBeGreaterThanOrEqual(90);
    expect(found.motion.percent).toBeGreaterThanOrEqual(90);
  });

  it("takes everything together only where each attribute is right", () => {
    const expected = { background: "blue", colour: "red", shape: "star", motion: "left" } as const;
    expect(adherence(expected, expected)).toEqual({
      background: true,
      colour: true,
      shape: true,
      motion: true,
      all: true,
    });
    expect(adherence(expected, { ...expected, motion: "none" })).toMatchObject({ motion: false, all: false });
  });
});

/** A 3x3 blur and noise of up to +-12 levels. */
function degrade(frames: Uint8Array, seed: number): Uint8Array {
  const noise = randomBytes(frames.length, seed);
  const row = width * 3;
  return frames.map((_, at) => {
    const x = Math.floor(at / 3) % width;
    const y = Math.floor(at / row) % height;
    let sum = 0;
    let parts = 0;
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
        sum += frames[at + dy * row + dx * 3] ?? 0;
        parts++;
      }
    }
    return Math.min(Math.max(sum / parts + ((noise[at] ?? 0) - 128) / 10.6, 0), 255);
  });
}
