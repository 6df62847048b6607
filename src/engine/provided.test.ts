import { describe, expect, it } from "vitest";
import { provide } from "./provided.ts";
import type { VideoShape } from "./shape.ts";

const shape: VideoShape = { width: 0, height: 0, frames: 0, latent: [2, 2, 3], grid: [2, 2, 3], tokens: 12 };
const step = { sigma: 0.5, timestep: 499, guidanceScale: 6 };

const ROPE = { make: "rope", part: "sin", precision: "float64", theta: 100 } as const;

describe("provide", () => {
  it("the sinusoid has its cosines where the model wants them, of the number that it wants", () => {
    const base = {
      make: "timestep_sinusoid",
      dim: 4,
      scale: 2,
      max_period: 10_000,
      precision: "float64",
    } as const;
    const first = provide({ ...base, of: "sigma", cosines_first: true }, shape, step);
    expect(first.dims).toEqual([1, 4]);
    expect([...first.data].map(Number)).toEqual(
      [Math.cos(1), Math.cos(0.01), Math.sin(1), Math.sin(0.01)].map(Math.fround),
    );
    const last = provide({ ...base, of: "timestep", cosines_first: false }, shape, step);
    expect(Number(last.data[2])).toBe(Math.fround(Math.cos(998)));
  });

  it.each([
    ["float32", 6, [0.9039115309715271, 0.9997488260269165, -0.9473637938499451]],
    ["float32", 4.3, [-0.6672075390815735, 0.5745710730552673, 0.978573739528656]],
    ["bfloat16", 4.3, [-0.9523026347160339, -0.6499087810516357, 0.9852761626243591]],
  ] as const)("the guidance scale's sinusoid in %s is PyTorch's", (precision, guidanceScale, torch) => {
    const value = {
      make: "timestep_sinusoid",
      dim: 32,
      of: "guidance",
      scale: 1000,
      max_period: 10_000,
    } as const;
    const { data } = provide({ ...value, cosines_first: true, precision }, shape, { ...step, guidanceScale });
    for (const [i, place] of [0, 1, 27].entries()) expect(Number(data[place])).toBeCloseTo(torch[i] ?? 0, 6);
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
    const table = provide({ ...ROPE, axes: [2, 2, 4], dims: ["tokens", 4] }, shape, step);
    expect(table.dims).toEqual([12, 4]);
    // Token 10 is frame 1, row 1, column 1; an axis of four channels has the frequencies 1 and 1/10.
    expect([...table.data.slice(40, 44)].map(Number)).toEqual(
      [1, 1, 1, 0.1].map((a) => Math.fround(Math.sin(a))),
    );
  });

  it("rope on a base grid has the positions of the video inside that grid", () => {
    const wide = provide({ ...ROPE, axes: [2, 2, 2], base_grid: [4, 3], dims: ["tokens", 3] }, shape, step);
    // The grid of 2 x 3 covers the rows 1 to 3 of 4; its second row lies halfway to the end at 3.
    expect([...wide.data.slice(0, 3)].map(Number)).toEqual([0, 1, 0].map((a) => Math.fround(Math.sin(a))));
    expect([...wide.data.slice(-3)].map(Number)).toEqual([1, 1.5, 2].map((a) => Math.fround(Math.sin(a))));
  });

  it("rope's angles are rounded on the way where the model's are", () => {
    const far = { ...shape, grid: [1, 1, 40], tokens: 40 } as const;
    const rope = (precision: "float32" | "float64", of: VideoShape) =>
      provide(
        {
          ...ROPE,
          part: "cos",
          theta: 10000,
          axes: [16, 24, 24],
          base_grid: [30, 45],
          precision,
          dims: ["tokens", 32],
        },
        of,
        step,
      );
    const [made, exact] = [rope("float32", far), rope("float64", far)];
    const difference = Math.max(...[...made.data].map((x, i) => Math.abs(Number(x) - Number(exact.data[i]))));
    expect(difference).toBeGreaterThan(1e-7);
    expect(difference).toBeLessThan(1e-5);
    // diffusers 0.42.1: get_3d_rotary_pos_embed of 13 x 7 x 13 tokens on 30 x 45, the last token's first cosines.
    const video = { ...shape, grid: [13, 7, 13], tokens: 13 * 7 * 13 } as const;
    const table = rope("float32", video);
    const wanted = [0.8438539505004883, -0.7941793203353882, 0.3623577058315277, 0.9288598895072937];
    for (const [i, x] of wanted.entries()) expect(table.data.at(i - 32)).toBeCloseTo(x, 6);
  });

  it("a position sinusoid has a row for each place along its axis, sines first", () => {
    const value = { make: "position_sinusoid", axis: "columns", dim: 4, scale: 2, max_period: 100 } as const;
    const table = provide(value, shape, step);
    expect(table.dims).toEqual([3, 4]);
    expect([...table.data.slice(8)].map(Number)).toEqual(
      [Math.sin(1), Math.sin(0.1), Math.cos(1), Math.cos(0.1)].map(Math.fround),
    );
    expect(provide({ ...value, axis: "frames" }, shape, step).dims).toEqual([2, 4]);
  });
});
