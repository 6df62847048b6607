import { describe, expect, it } from "vitest";
import { provide } from "./provided.ts";
import type { VideoShape } from "./shape.ts";

const shape: VideoShape = { width: 0, height: 0, frames: 0, latent: [2, 2, 3], grid: [2, 2, 3], tokens: 12 };
const step = { sigma: 0.5, timestep: 499, guidanceScale: 6 };

describe("provide", () => {
  it("the sinusoid has its cosines where the model wants them, of the number that it wants", () => {
    const base = { make: "timestep_sinusoid", dim: 4, scale: 2, max_period: 10_000 } as const;
    const first = provide({ ...base, of: "sigma", cosines_first: true }, shape, step);
    expect(first.dims).toEqual([1, 4]);
    expect([...first.data].map(Number)).toEqual(
      [Math.cos(1), Math.cos(0.01), Math.sin(1), Math.sin(0.01)].map(Math.fround),
    );
    const last = provide({ ...base, of: "timestep", cosines_first: false }, shape, step);
    expect(Number(last.data[2])).toBe(Math.fround(Math.cos(998)));
  });

  it.each([
    ["sigma", { make: "sigma" }, 0.5],
    ["timestep", { make: "timestep" }, 499],
    ["guidance", { make: "guidance", scale: 1000 }, 6000],
  ] as const)("%s is one number", (_, value, expected) => {
    expect(provide(value, shape, step)).toEqual({
      dtype: "float32",
      dims: [1],
      data: Float32Array.of(expected),
    });
  });

  it("rope runs over frames, rows and columns, the column fastest", () => {
    const value = { make: "rope", part: "sin", axes: [2, 2, 4], theta: 100, dims: ["tokens", 4] } as const;
    const table = provide({ ...value, axes: [2, 2, 4], dims: ["tokens", 4] }, shape, step);
    expect(table.dims).toEqual([12, 4]);
    // Token 10 is frame 1, row 1, column 1; an axis of four channels has the frequencies 1 and 1/10.
    expect([...table.data.slice(40, 44)].map(Number)).toEqual(
      [1, 1, 1, 0.1].map((a) => Math.fround(Math.sin(a))),
    );
  });
});
