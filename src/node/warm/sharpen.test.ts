import { expect, it } from "vitest";
import { readProfile } from "../../engine/cache/profile-fit.ts";
import { mergeObservations, type Observations } from "./observations.ts";
import { profileText } from "./profile-text.ts";
import { sharpened } from "./sharpen.ts";
import { profileOf, seenAt } from "./testing.ts";

const STEPS = 16;
/** What MixCache expects at lag 1: a line misses by 0.02, a held result by 0.03. */
const profile = profileOf(STEPS, { prompts: { count: 4, digest: "x" } });
const LEVEL_OF_EXPECTED = Math.log2(0.02) * 4;

/** So many videos that were off by so many levels from what is expected, at every step from the second on. */
function videos(count: number, levels: number, at = (_step: number) => true): Observations {
  const level = Math.round(LEVEL_OF_EXPECTED) + levels;
  const one = Array.from({ length: STEPS - 2 }, (_, i) => i + 2)
    .filter(at)
    .map((step) => seenAt(step, level, STEPS))
    .reduce(mergeObservations);
  return Array.from({ length: count }, () => ({ ...one, runs: 1 })).reduce(mergeObservations);
}

const factorAt = (observed: Observations, step: number) =>
  (sharpened(profile, observed).deviations.step?.[0]?.[step] ?? 0) / 0.02;

it("a profile stays the very same where nothing was seen", () => {
  const nothing = { ...seenAt(3, 0, STEPS), runs: 0, deviations: {} };
  expect(sharpened(profile, nothing)).toBe(profile);
});

it("videos twice as rough bring it half of the way when there are as many as prompts, and three quarters at most", () => {
  const exact = 2 ** ((Math.round(LEVEL_OF_EXPECTED) + 4 - LEVEL_OF_EXPECTED) / 4);
  expect(factorAt(videos(4, 4), 8)).toBeCloseTo(exact ** (1 / 2), 3);
  expect(factorAt(videos(12, 4), 8)).toBeCloseTo(exact ** (3 / 4), 3);
  expect(factorAt(videos(400, 4), 8)).toBeCloseTo(exact ** (3 / 4), 3);
});

it("no video, however odd, counts as more than four times off", () => {
  expect(factorAt(videos(400, 80), 8)).toBeCloseTo(4 ** 0.75, 3);
  expect(factorAt(videos(400, -80), 8)).toBeCloseTo(0.25 ** 0.75, 3);
});

it("what was seen in one part of a run changes that part, and goes over into its neighbours", () => {
  const late = videos(400, 8, (step) => step >= STEPS - 4);
  expect(factorAt(late, 3)).toBe(1);
  expect(factorAt(late, STEPS - 1)).toBeGreaterThan(2);
  const factors = Array.from({ length: STEPS - 2 }, (_, i) => factorAt(late, i + 2));
  expect(factors).toEqual(factors.toSorted((a, b) => a - b));
});

it("all granularities and lags change alike, everything else not at all, and the result is a profile", () => {
  const better = sharpened(profile, videos(12, 4));
  const factor = factorAt(videos(12, 4), 10);
  for (const tables of ["deviations", "held_deviations"] as const)
    for (const granularity of ["step", "cfg", "block"] as const)
      for (const lag of [1, 4]) {
        const [before, after] = [profile, better].map((of) => of[tables][granularity]?.[lag - 1]?.[10] ?? 0);
        expect((after ?? 0) / (before ?? 1)).toBeCloseTo(factor, 3);
      }
  const { deviations, held_deviations, deviation_quantiles, ...rest } = better;
  const { deviations: _, held_deviations: __, deviation_quantiles: ___, ...before } = profile;
  expect(rest).toEqual(before);
  expect(readProfile(profileText(better), "x.json")).toEqual(better);
});
