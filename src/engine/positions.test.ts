import { describe, expect, it } from "vitest";
import { centredPositions, gridPositions, roundHalfEven } from "./positions.ts";
import type { VideoShape } from "./shape.ts";

function shapeOf(grid: readonly [number, number, number]): VideoShape {
  return {
    width: 0,
    height: 0,
    frames: 0,
    latent: grid,
    grid,
    tokens: grid[0] * grid[1] * grid[2],
  };
}

/** Positions that diffusers 0.42.1 gives: base grid, grid, then some of the rows' and the columns' positions. */
const REFERENCE = [
  {
    base: [30, 45],
    grid: [17, 45],
    rows: { 0: 6, 1: 6.977941036224365, 16: 21.647058486938477 },
    columns: { 44: 44 },
  },
  {
    base: [30, 45],
    grid: [30, 21],
    rows: { 29: 29 },
    columns: { 0: 12, 7: 18.799999237060547, 20: 31.428571701049805 },
  },
  {
    base: [3, 2],
    grid: [2, 3],
    rows: { 0: 1, 1: 1 },
    columns: { 0: 0, 1: 0.6666666865348816, 2: 1.3333333730697632 },
  },
  {
    base: [16, 16],
    grid: [7, 13],
    rows: { 0: 4, 3: 7.5714287757873535, 6: 11.142857551574707 },
    columns: { 5: 6.153846263885498, 12: 14.769230842590332 },
  },
] as const;

describe("positions", () => {
  it("count up on the grid", () => {
    expect(gridPositions(shapeOf([2, 1, 3])).map((p) => [...p])).toEqual([[0, 1], [0], [0, 1, 2]]);
  });

  it("are the grid's own where the video has the size that the model was trained with", () => {
    expect(centredPositions(shapeOf([13, 30, 45]), [30, 45])).toEqual(gridPositions(shapeOf([13, 30, 45])));
  });

  it.each(REFERENCE)("of $grid on $base are diffusers' own", ({ base, grid, rows, columns }) => {
    const [frames, ours, across] = centredPositions(shapeOf([3, ...grid]), base);
    expect([...frames]).toEqual([0, 1, 2]);
    for (const [i, position] of Object.entries(rows)) expect(ours[Number(i)]).toBe(position);
    for (const [i, position] of Object.entries(columns)) expect(across[Number(i)]).toBe(position);
  });

  it("round halves to the even neighbour", () => {
    expect([0.5, 1.5, 2.5, -0.5, 2.4, 2.6].map(roundHalfEven)).toEqual([0, 2, 2, 0, 2, 3]);
  });
});
