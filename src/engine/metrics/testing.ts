/** Videos for tests, made of integers only, so that python/metrics/reference.py makes the same. */

import type { RgbFrames } from "../frames.ts";

/** A disc that moves over a textured gradient. */
export function scene(width: number, height: number, count: number): RgbFrames {
  const data = new Uint8Array(count * height * width * 3);
  for (let i = 0; i < data.length; i++) {
    const c = i % 3;
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / 3 / width) % height;
    const t = Math.floor(i / 3 / width / height);
    const ground = 40 + Math.floor((100 * x) / width) + Math.floor((40 * y) / height) + 15 * c;
    const [dx, dy] = [x - Math.floor(width / 4) - 3 * t, y - Math.floor(height / 2)];
    const inside = dx ** 2 + dy ** 2 < Math.floor(height / 4) ** 2;
    data[i] = inside ? 200 - 60 * c : ground + (scramble(i) % 12);
  }
  return { width, height, count, data };
}

/** Uniform noise, at most this many levels up or down. */
export function noisy(video: RgbFrames, most: number): RgbFrames {
  const noise = (i: number) => (scramble(i + 1_000_003) % (2 * most + 1)) - most;
  const clamped = Uint8ClampedArray.from(video.data, (value, i) => value + noise(i));
  return { ...video, data: Uint8Array.from(clamped) };
}

/** Means over 3×3 pixels, edges repeated, rounded down. */
export function blurred(video: RgbFrames): RgbFrames {
  const { width, height } = video;
  const inside = (at: number, length: number) => Math.min(Math.max(at, 0), length - 1);
  const around = [-1, 0, 1];
  const data = video.data.map((_, i) => {
    const pixel = Math.floor(i / 3);
    const [x, y, first] = [
      pixel % width,
      Math.floor(pixel / width) % height,
      Math.floor(pixel / width / height),
    ];
    let sum = 0;
    for (const dy of around) {
      for (const dx of around) {
        const row = first * height + inside(y + dy, height);
        sum += video.data[(row * width + inside(x + dx, width)) * 3 + (i % 3)] ?? 0;
      }
    }
    return Math.floor(sum / 9);
  });
  return { ...video, data };
}

/** Every value more by as many levels. */
export function brighter(video: RgbFrames, levels: number): RgbFrames {
  return { ...video, data: video.data.map((value) => value + levels) };
}

/** The first frame all the time. */
export function frozen(video: RgbFrames): RgbFrames {
  const frame = video.data.length / video.count;
  return { ...video, data: video.data.map((_, i) => video.data[i % frame] ?? 0) };
}

/** Red for blue and blue for red. */
export function swapped(video: RgbFrames): RgbFrames {
  return { ...video, data: video.data.map((_, i) => video.data[i - (i % 3) + 2 - (i % 3)] ?? 0) };
}

/** 32 bits that look random: the integer hash lowbias32 (C. Wellons). */
function scramble(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
