import { describe, expect, it } from "vitest";
import { predictedBy } from "../../../../test/support/predictions.ts";
import { Anchors, type Track } from "./anchors.ts";
import { line, straight, toPrediction } from "./predictor.ts";

const SIGMAS = [1, 0.9, 0.7, 0.4, 0];
const TRACKS: readonly Track[] = [
  { part: { kind: "output" }, branch: "cond" },
  { part: { kind: "guidance_delta" }, branch: "uncond" },
  { part: { kind: "blocks", from: 1, to: 7 }, branch: "uncond" },
];

function anchored(track: Track, steps: readonly number[]): Anchors {
  const anchors = new Anchors(2);
  for (const step of steps) anchors.add(track, step);
  return anchors;
}

describe.each(TRACKS)("predictions of $part.kind", (track) => {
  /** Linear in the noise level, each element otherwise. */
  const results = SIGMAS.map((sigma) => [2 * sigma, 1 - sigma, 5]);
  const predict = (order: 0 | 1, steps: readonly number[], step: number) => {
    const anchors = anchored(track, steps);
    const prediction = straight(order, SIGMAS).predict(track, { step, anchors, scalars: [] });
    const kept = ({ age }: { age: number }) => results[anchors.of(track)[age] ?? -1] ?? [];
    return prediction && predictedBy(prediction, kept, [0, 0, 0]);
  };

  it("are the newest result as it is", () => {
    expect(predict(0, [0, 2], 3)).toEqual(results[2]);
  });

  it("are the line through the two newest, in the noise level and not in steps", () => {
    for (const [i, value] of (predict(1, [0, 2], 3) ?? []).entries())
      expect(value).toBeCloseTo(results[3]?.[i] ?? Number.NaN, 12);
    // By hand: from σ 1 to 0.7 by −0.3, then on to 0.4 by as much again.
    expect(predict(1, [0, 2], 3)?.[0]).toBeCloseTo(1.4 + (1.4 - 2), 12);
  });

  it("follow a line twice as far as its points are apart, and then hold it", () => {
    // From σ 1 and 0.9 on: not to 0.4, but to 0.7.
    for (const [i, value] of (predict(1, [0, 1], 3) ?? []).entries())
      expect(value).toBeCloseTo(results[2]?.[i] ?? Number.NaN, 12);
  });

  it("are the only result where there is one, and none where there is none", () => {
    expect(predict(1, [1], 3)).toEqual(results[1]);
    expect(predict(1, [], 3)).toBeUndefined();
  });

  it("can't be made of what is kept no longer", () => {
    expect(toPrediction(track, line(0, 1, 3, SIGMAS), anchored(track, [0, 1, 2]))).toBeUndefined();
  });
});
