import { describe, expect, it } from "vitest";
import { predictedBy } from "../../../../test/support/predictions.ts";
import { Anchors, type Track } from "./anchors.ts";
import { held, line, linear, toPrediction } from "./predictor.ts";

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
    const predictor = order === 0 ? held() : linear(SIGMAS);
    const prediction = predictor.predict(track, { step, anchors, scalars: [] });
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

  it("follow a line of which nothing is known yet as far as its points are apart, and then hold it", () => {
    // From σ 1 and 0.9 on: not to 0.4, but to 0.8.
    for (const [i, value] of (predict(1, [0, 1], 3) ?? []).entries()) {
      const [older = 0, newest = 0] = [results[0]?.[i], results[1]?.[i]];
      expect(value).toBeCloseTo(2 * newest - older, 12);
    }
  });

  it("are the only result where there is one, and none where there is none", () => {
    expect(predict(1, [1], 3)).toEqual(results[1]);
    expect(predict(1, [], 3)).toBeUndefined();
  });

  it("can't be made of what is kept no longer", () => {
    expect(toPrediction(track, line(0, 1, 3, SIGMAS), anchored(track, [0, 1, 2]))).toBeUndefined();
  });
});

describe("the linear predictor", () => {
  const output: Track = { part: { kind: "output" }, branch: "cond" };
  const blocks: Track = { part: { kind: "blocks", from: 1, to: 7 }, branch: "cond" };
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
  /** Coefficients after these results were computed, one after the other, and the predictor has had its scalars. */
  const learnt = (results: readonly (readonly number[])[], step: number) => {
    const predictor = linear(SIGMAS);
    const anchors = new Anchors(2);
    for (const [index, result] of results.entries()) {
      const others = predictor.measureAfter(output).length - 1;
      const kept = results.slice(0, index).reverse().slice(0, others);
      predictor.computed(
        output,
        index,
        [result, ...kept].map((other) => dot(result, other)),
      );
      anchors.add(output, index);
      anchors.add(blocks, index);
    }
    const moment = { step, anchors, scalars: [] };
    return { own: predictor.coefficients(output, moment), blocks: predictor.coefficients(blocks, moment) };
  };

  it("follows a line that three results lie on all the way", () => {
    const { own, blocks: ofBlocks } = learnt(
      [1, 0.9, 0.7].map((sigma) => [2 * sigma, 1 - sigma]),
      3,
    );
    const exact = line(1, 2, 3, SIGMAS);
    for (const [step, coefficient] of exact) expect(own?.get(step)).toBeCloseTo(coefficient, 9);
    // What the outputs have shown holds for the blocks of their branch.
    expect(ofBlocks).toEqual(own);
  });

  it("takes the mean of results that have nothing in common but their size", () => {
    const { own } = learnt(
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
      3,
    );
    expect([...(own ?? [])]).toEqual([
      [2, 0.5],
      [1, 0.5],
    ]);
  });

  it("forgets what another expert has shown", () => {
    const predictor = linear(SIGMAS);
    predictor.computed(output, 0, [1]);
    expect(predictor.measureAfter(output)).toHaveLength(2);
    predictor.clear();
    expect(predictor.measureAfter(output)).toHaveLength(1);
    expect(predictor.measureAfter(blocks)).toEqual([]);
  });
});
