/**
 * A profile, moved towards what videos have shown. Calibration measured a few prompts; the videos that people ask for
 * may be rougher or calmer, and differently so in different parts of a run. Only that is learned: one factor for each
 * part, which all of its deviations are multiplied by, as MixCache itself takes a prompt's roughness to hold for all.
 */

import type { Profile } from "../../engine/cache/profile.ts";
import { entriesOf, LEVEL, type Observations } from "./observations.ts";

/** Parts of a run that have a factor of their own. */
const PARTS = 8;
/** Videos count for at most so many times as much as the calibration's prompts. */
const MOST_WEIGHT = 3;
/** No single deviation counts as further off than this, in powers of two; MixCache's own limit for a prompt. */
const MOST_OFF = 2;

type Table = readonly (readonly (number | null)[])[];

/** The profile with its deviations adjusted; the same one where nothing was observed. */
export function sharpened(profile: Profile, observations: Observations): Profile {
  const shifts = shiftsOf(profile, observations);
  if (shifts.every((shift) => shift === 0)) return profile;
  const { steps } = profile.key;
  const row = (values: readonly (number | null)[]) =>
    values.map((value, step) => (value === null ? null : short(value * 2 ** shiftAt(shifts, step, steps))));
  const tables = (all: Profile["deviations"]): Profile["deviations"] =>
    Object.fromEntries(Object.entries(all).map(([name, table]) => [name, table?.map(row)]));
  const { p10, p50, p90 } = profile.deviation_quantiles;
  return {
    ...profile,
    deviations: tables(profile.deviations),
    held_deviations: tables(profile.held_deviations),
    deviation_quantiles: { p10: row(p10), p50: row(p50), p90: row(p90) },
  };
}

/**
 * By part: the mean base-2 logarithm of observed over expected, held back by the calibration, whose prompts count as
 * observations of exactly what they gave. Videos count once for a part, however many of its steps they showed.
 */
function shiftsOf(profile: Profile, observations: Observations): readonly number[] {
  const { key, prompts, deviations, held_deviations } = profile;
  const sums = Array.from({ length: PARTS }, () => ({ sum: 0, times: 0 }));
  for (const [lag, step, level, times] of entriesOf(observations)) {
    const expected = expectedAt(deviations.step, held_deviations.step, lag, step);
    const part = sums[Math.floor((step * PARTS) / key.steps)];
    if (expected === undefined || part === undefined) continue;
    const off = level * LEVEL - Math.log2(expected);
    part.sum += times * Math.max(-MOST_OFF, Math.min(MOST_OFF, off));
    part.times += times;
  }
  return sums.map(({ sum, times }) => {
    if (times === 0) return 0;
    const weight = Math.min(times, observations.runs, MOST_WEIGHT * prompts.count);
    return ((sum / times) * weight) / (weight + prompts.count);
  });
}

/** What MixCache expects: of a line and a held result the better one. */
function expectedAt(line: Table = [], held: Table = [], lag: number, step: number): number | undefined {
  const known = [line[lag - 1]?.[step], held[lag - 1]?.[step]].filter((value) => value != null);
  const expected = Math.min(...known);
  return Number.isFinite(expected) && expected > 0 ? expected : undefined;
}

/** Between the middles of two parts the shift goes from one to the other, so that no step stands out. */
function shiftAt(shifts: readonly number[], step: number, steps: number): number {
  const place = ((step + 0.5) * PARTS) / steps - 0.5;
  const before = Math.max(0, Math.min(PARTS - 1, Math.floor(place)));
  const after = Math.min(PARTS - 1, before + 1);
  const along = Math.max(0, Math.min(1, place - before));
  return (shifts[before] ?? 0) * (1 - along) + (shifts[after] ?? 0) * along;
}

/** As many digits as calibration writes. */
function short(value: number): number {
  return Number(value.toPrecision(5));
}
