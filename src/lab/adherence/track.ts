/** Where the object of each frame is and how large. */
import type { Foreground, Layout } from "./foreground.ts";

export interface Place {
  frame: number;
  /** Centroid in pixels; the middle of the first pixel is 0.5. */
  x: number;
  y: number;
  /** Covered pixels. */
  area: number;
  /** This frame's coverage, [height, width]. */
  coverage: Float32Array;
}

/** Covered pixels below which a frame counts as empty: a third of the smallest object that is ever drawn. */
const LEAST_AREA = 4;

/** The frames that show an object. */
export function track({ coverage }: Pick<Foreground, "coverage">, { width, height, count }: Layout): Place[] {
  const places: Place[] = [];
  for (let frame = 0; frame < count; frame++) {
    const picture = coverage.subarray(frame * height * width, (frame + 1) * height * width);
    let area = 0;
    let x = 0;
    let y = 0;
    picture.forEach((value, pixel) => {
      area += value;
      x += value * ((pixel % width) + 0.5);
      y += value * (Math.floor(pixel / width) + 0.5);
    });
    if (area >= LEAST_AREA) places.push({ frame, x: x / area, y: y / area, area, coverage: picture });
  }
  return places;
}
