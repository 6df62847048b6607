import { describe, expect, it } from "vitest";
import { dot, predictedBy, type Vector } from "../../../../test/support/predictions.ts";
import type { Kept } from "../contract.ts";
import { Anchors, type Track } from "./anchors.ts";
import { velocity } from "./velocity.ts";

const SIGMAS = [1, 0.9, 0.7, 0.4, 0];
/** Latents that turn and shrink, at right angles to u. */
const LATENTS: readonly Vector[] = [
  [1, 0, 0],
  [0.8, 0.3, 0],
  [0.5, 0.6, 0],
  [0.1, 0.7, 0],
];
const U = [0, 0, 1];

/** α x + β ‖x‖ u with α and β linear in the noise level. */
function result(step: number): Vector {
  const sigma = SIGMAS[step] ?? 0;
  const x = LATENTS[step] ?? [];
  const [alpha, beta] = [3 * sigma - 1, 0.5 + sigma];
  return x.map((value, i) => alpha * value + beta * Math.sqrt(dot(x, x)) * (U[i] ?? 0));
}

/** A predictor that has seen these results, and what it predicts. */
function seen(track: Track, steps: readonly number[], of: (step: number) => Vector) {
  const predictor = velocity(SIGMAS);
  const anchors = new Anchors(2);
  for (const step of steps) {
    const x = LATENTS[step] ?? [];
    anchors.add(track, step);
    anchors.add({ part: { kind: "input" }, branch: track.branch }, step);
    predictor.computed(track, step, [dot(of(step), x), dot(of(step), of(step)), dot(x, x)]);
  }
  const predict = (step: number): Vector | undefined => {
    const x = LATENTS[step] ?? [];
    const prediction = predictor.predict(track, { step, anchors, scalars: [dot(x, x)] });
    const kept = ({ part, age }: Kept) => {
      const anchor = anchors.of(track)[age] ?? -1;
      return part.kind === "input" ? (LATENTS[anchor] ?? []) : of(anchor);
    };
    return prediction && predictedBy(prediction, kept, x);
  };
  return { predictor, predict };
}

const OUTPUT: Track = { part: { kind: "output" }, branch: "cond" };
const DELTA: Track = { part: { kind: "guidance_delta" }, branch: "uncond" };

describe("velocity decomposition", () => {
  it.each([OUTPUT, DELTA])("is exact for $part.kind where α and β are linear and u stays", (track) => {
    const predicted = seen(track, [0, 1], result).predict(3) ?? [];
    for (const [i, value] of predicted.entries()) expect(value).toBeCloseTo(result(3)[i] ?? Number.NaN, 12);
    // The line through the same two results is not.
    const line = seen({ ...track, part: { kind: "blocks", from: 1, to: 7 } }, [0, 1], result).predict(3);
    expect(Math.abs((line?.[0] ?? 0) - (result(3)[0] ?? 0))).toBeGreaterThan(0.05);
  });

  it("of a difference that is nothing is nothing, not a division by it", () => {
    expect(seen(DELTA, [0, 1], () => [0, 0, 0]).predict(2)).toEqual([0, 0, 0]);
  });

  it("takes one result as it is", () => {
    expect(seen(OUTPUT, [1], result).predict(2)).toEqual(result(1));
  });

  it("measures what it needs, of what has the latents' size only", () => {
    const { predictor } = seen(OUTPUT, [], result);
    expect(predictor.measureBefore).toHaveLength(1);
    expect(predictor.measureAfter(OUTPUT)).toHaveLength(3);
    expect(predictor.measureAfter({ part: { kind: "blocks", from: 1, to: 7 }, branch: "cond" })).toEqual([]);
  });
});
