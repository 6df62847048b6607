import { describe, expect, it } from "vitest";
import type { Branch } from "../contract.ts";
import { Anchors, type Track } from "./anchors.ts";
import { CORRECTION_DEPTH, correction, type Predicted } from "./correction.ts";
import { line } from "./predictor.ts";

const SIGMAS = [1, 0.8, 0.7, 0.55, 0.45, 0.2, 0];
const move = (step: number) => (SIGMAS[step + 1] ?? 0) - (SIGMAS[step] ?? 0);
const COND: Track = { part: { kind: "output" }, branch: "cond" };
const UNCOND: Track = { part: { kind: "output" }, branch: "uncond" };
const DELTA: Track = { part: { kind: "guidance_delta" }, branch: "uncond" };
const WEIGHTS = { cond: 3, uncond: -2 } as const;
const EXACT = [COND, UNCOND].map((track) => ({ track, weight: WEIGHTS[track.branch] }));

type Curve = (sigma: number) => number;

/** Steps 0, 1 and 4 are computed, 2 and 3 predict these tracks; what step 4 then moves by. */
function corrected(tracks: readonly Track[], order: 0 | 1, curves: Readonly<Record<Branch, Curve>>) {
  const valueAt = ({ part, branch }: Track, step: number) => {
    const sigma = SIGMAS[step] ?? 0;
    return part.kind === "output" ? curves[branch](sigma) : curves.uncond(sigma) - curves.cond(sigma);
  };
  const anchors = new Anchors(CORRECTION_DEPTH);
  const keep = (step: number) => {
    for (const track of [COND, UNCOND, DELTA]) anchors.add(track, step);
  };
  keep(0);
  keep(1);
  const predicted: Predicted[] = [2, 3].flatMap((step) =>
    tracks.map((track) => ({
      step,
      track,
      weight: WEIGHTS[track.branch],
      coefficients: order === 0 ? new Map([[1, 1]]) : line(0, 1, step, SIGMAS),
    })),
  );
  keep(4);
  const prediction = correction(4, EXACT, predicted, anchors, SIGMAS);
  const velocity = prediction?.terms.reduce(
    (sum, { part, branch, age, coefficient }) =>
      sum + coefficient * valueAt({ part, branch }, anchors.of({ part, branch })[age] ?? -1),
    0,
  );
  const sum = (of: (one: Predicted) => ReadonlyMap<number, number>) =>
    predicted.reduce((total, one) => {
      const value = [...of(one)].reduce((v, [step, c]) => v + c * valueAt(one.track, step), 0);
      return total + one.weight * value * move(one.step);
    }, 0);
  return {
    velocity,
    exact: 3 * valueAt(COND, 4) - 2 * valueAt(UNCOND, 4),
    /** The ways walked by predictions in the steps 2 and 3, and by what lies between the computed ones. */
    walked: sum(({ coefficients }) => coefficients),
    between: sum(({ step }) => line(1, 4, step, SIGMAS)),
  };
}

const QUADRATIC = { cond: (s: number) => 4 * s * s - s, uncond: (s: number) => 1 - 2 * s * s };
const LINEAR = { cond: (s: number) => 4 * s + 1, uncond: (s: number) => 2 - s };

describe("a correction", () => {
  it.each([
    ["the output of both branches", [COND, UNCOND], 1],
    ["the guidance difference", [DELTA], 1],
    ["held outputs", [COND, UNCOND], 0],
  ] as const)(
    "of %s leads to where interpolated results lead, as far as they are trusted",
    (_, tracks, order) => {
      const { velocity, exact, walked, between } = corrected(tracks, order, QUADRATIC);
      expect(walked).not.toBeCloseTo(between, 3);
      // By hand: 0.2 is left of 0.45, to which the drift of the two predictions adds.
      // Two steps were predicted: 2 / (1 + 2) of it.
      const trusted = ((2 / 3) * 0.2) / (0.45 + (2 / 7) * 0.15 + (5 / 7) * 0.1);
      const wanted = walked + trusted * (between - walked);
      expect(walked + move(4) * (velocity ?? Number.NaN)).toBeCloseTo(wanted + move(4) * exact, 12);
    },
  );

  it("of predictions that were exact is nothing", () => {
    const { velocity, exact } = corrected([COND, UNCOND], 1, LINEAR);
    expect(velocity).toBeCloseTo(exact, 12);
  });

  it("of nothing is none", () => {
    expect(corrected([], 1, LINEAR).velocity).toBeUndefined();
  });

  it("mends both branches of a step or neither, whatever of one is still kept", () => {
    const anchors = new Anchors(CORRECTION_DEPTH);
    for (const track of [COND, UNCOND]) for (const step of [0, 1]) anchors.add(track, step);
    const of = (track: Track) => ({ step: 2, track, weight: 1, coefficients: line(0, 1, 2, SIGMAS) });
    // A step that reuses the guidance difference computes the conditional branch only.
    anchors.add(COND, 3);
    for (const track of [COND, UNCOND]) anchors.add(track, 4);
    expect(correction(4, EXACT, [of(UNCOND)], anchors, SIGMAS)).toBeDefined();
    expect(correction(4, EXACT, [of(COND), of(UNCOND)], anchors, SIGMAS)).toBeUndefined();
  });
});
