/** Separates a video's object from its background. */
import { distance, type Rgb } from "./grammar.ts";

/** How the bytes of a video are laid out: [count, height, width, 3]. */
export interface Layout {
  width: number;
  height: number;
  count: number;
}

export interface Foreground {
  background: Rgb;
  /** The object's colour; undefined where nothing stands out. */
  colour: Rgb | undefined;
  /** How much of every pixel the object covers, [count, height, width] in [0, 1]. */
  coverage: Float32Array;
}

/** Width in pixels of the border that tells the background; no object of the grammar comes nearer. */
const BORDER = 1;
/** The part of a video's pixels whose mean distance from the background is taken as the object's. */
const CORE_SHARE = 0.003;
/** Pixels at least this far along to that distance are the object's core; the rest may be its blended edge. */
const CORE_CONTRAST = 0.75;
/** Half the smallest distance between an object's and a background's colour in the palettes (yellow on orange). */
const LEAST_CONTRAST = 40;
/** Coverage below this is taken for nothing and above 1 - this for everything, so that noise adds up to nothing. */
const EDGE = 0.2;

/** Per-channel median of the pixels that `choose` takes, by counting. */
function median(frames: Uint8Array, choose: (pixel: number) => boolean): Rgb {
  const counts = new Uint32Array(3 * 256);
  let total = 0;
  for (let pixel = 0; pixel < frames.length / 3; pixel++) {
    if (!choose(pixel)) continue;
    total++;
    for (let channel = 0; channel < 3; channel++) {
      const bin = channel * 256 + (frames[pixel * 3 + channel] ?? 0);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
  }
  const middle = (channel: number) => {
    let value = 0;
    for (let below = counts[channel * 256] ?? 0; below * 2 < total; ) {
      value++;
      below += counts[channel * 256 + value] ?? total;
    }
    return value;
  };
  return [middle(0), middle(1), middle(2)];
}

export function foreground(frames: Uint8Array, { width, height, count }: Layout): Foreground {
  const pixels = count * height * width;
  if (frames.length !== pixels * 3)
    throw new Error(`expected ${pixels * 3} bytes of RGB, got ${frames.length}`);
  const background = median(frames, (pixel) => {
    const x = pixel % width;
    const y = Math.floor(pixel / width) % height;
    return x < BORDER || y < BORDER || x >= width - BORDER || y >= height - BORDER;
  });

  const apart = new Float32Array(pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    apart[pixel] = Math.hypot(
      (frames[pixel * 3] ?? 0) - background[0],
      (frames[pixel * 3 + 1] ?? 0) - background[1],
      (frames[pixel * 3 + 2] ?? 0) - background[2],
    );
  }
  const core = apart
    .slice()
    .sort()
    .subarray(-Math.ceil(CORE_SHARE * pixels));
  const peak = core.reduce((sum, value) => sum + value, 0) / core.length;
  const coverage = new Float32Array(pixels);
  if (peak < LEAST_CONTRAST) return { background, colour: undefined, coverage };

  const colour = median(frames, (pixel) => (apart[pixel] ?? 0) >= CORE_CONTRAST * peak);
  const contrast = distance(colour, background);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const part = ((apart[pixel] ?? 0) / contrast - EDGE) / (1 - 2 * EDGE);
    coverage[pixel] = Math.min(Math.max(part, 0), 1);
  }
  return { background, colour, coverage };
}
