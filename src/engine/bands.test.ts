import { describe, expect, it } from "vitest";
import { Bands } from "./bands.ts";
import { randn } from "./random.ts";

/** The definition: a two-dimensional DFT, a disc around frequency 0 of radius ⌊min/5⌋, and back. */
function lowByDefinition(frame: Float32Array, rows: number, columns: number): number[] {
  const radius = Math.floor(Math.min(rows, columns) / 5);
  const low = new Array<number>(rows * columns).fill(0);
  for (let u = -radius; u <= radius; u++) {
    for (let v = -radius; v <= radius; v++) {
      if (u * u + v * v > radius * radius) continue;
      let [real, imaginary] = [0, 0];
      frame.forEach((x, i) => {
        const angle = -2 * Math.PI * ((u * Math.floor(i / columns)) / rows + (v * (i % columns)) / columns);
        real += x * Math.cos(angle);
        imaginary += x * Math.sin(angle);
      });
      low.forEach((before, i) => {
        const angle = 2 * Math.PI * ((u * Math.floor(i / columns)) / rows + (v * (i % columns)) / columns);
        low[i] = before + (real * Math.cos(angle) - imaginary * Math.sin(angle)) / (rows * columns);
      });
    }
  }
  return low;
}

describe("low frequencies", () => {
  it.each([
    [5, 5],
    [8, 16],
    [12, 10],
    [11, 7],
    [4, 6],
  ])("of %i rows and %i columns are what the definition gives, in every frame", (rows, columns) => {
    const size = rows * columns;
    const tensor = randn(5n, [3, rows, columns]);
    const low = new Bands(rows, columns).low(tensor);
    for (let frame = 0; frame < 3; frame++) {
      const wanted = lowByDefinition(tensor.subarray(frame * size, (frame + 1) * size), rows, columns);
      wanted.forEach((x, i) => {
        expect(low[frame * size + i]).toBeCloseTo(x, 5);
      });
    }
  });

  it("of low frequencies are they themselves", () => {
    const bands = new Bands(10, 15);
    const low = bands.low(randn(7n, [2, 10, 15]));
    bands.low(low).forEach((x, i) => {
      expect(x).toBeCloseTo(low[i] ?? Number.NaN, 5);
    });
  });
});
