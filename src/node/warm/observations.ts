/**
 * What videos show of a profile's tables, as counts that can be added in any order: how far MixCache's predictions
 * were off at the steps that it computed in full. Nothing of a prompt, a seed or a video is in it.
 */

import { z } from "zod";
import { type ProfileKey, profileSchema } from "../../engine/cache/profile.ts";
import { type RunTrace, type StepTrace, stepMode } from "../../engine/trace.ts";
import { MixcacheError, messageOf } from "../../errors.ts";

export const OBSERVED_FORMAT = "mixcache.observed/1";

/** Deviations are counted by their base-2 logarithm in steps of this; MixCache rounds what it observes alike. */
export const LEVEL = 0.25;
/** As far as a profile's deviations reach. */
const LAST_LAG = 6;
/** With more runs than this all counts are halved, so that old ones fade and the file stays small. */
export const MOST_RUNS = 4096;

const wholeText = z.string().regex(/^-?\d{1,4}$/);
/** By level: how often. */
const counts = z.record(wholeText, z.int().positive());

export const observationsSchema = z.strictObject({
  format: z.literal(OBSERVED_FORMAT),
  key: profileSchema.shape.key,
  /** Videos that something was learned from. */
  runs: z.int().nonnegative(),
  /** By lag, then by step: deviations of the output from a line through the two results before, by level. */
  deviations: z.record(wholeText, z.record(wholeText, counts)),
});

export type Observations = z.infer<typeof observationsSchema>;

/**
 * What one video showed; undefined where it showed nothing. Only what has a profile's own definition counts: a step in
 * full whose prediction was the line through the results of `step − lag` and `step − 2·lag`, with nothing but whole
 * outputs predicted in between.
 */
export function observationsOf(
  key: ProfileKey,
  trace: Pick<RunTrace, "policy" | "steps" | "run">,
): Observations | undefined {
  if (trace.policy !== "mixcache") return undefined;
  const deviations: Observations["deviations"] = {};
  let seen = 0;
  for (const denoiser of trace.run.denoisers) {
    const steps = trace.steps.filter(({ index }) => index >= denoiser.steps[0] && index < denoiser.steps[1]);
    for (const { lag, step, deviation } of comparable(steps)) {
      count(deviations, lag, step, levelOf(deviation), 1);
      seen++;
    }
  }
  return seen > 0 ? { format: OBSERVED_FORMAT, key, runs: 1, deviations } : undefined;
}

/** The sum of both. Adding is exact and in any order the same, as long as nothing is halved. */
export function mergeObservations(a: Observations, b: Observations): Observations {
  const deviations: Observations["deviations"] = {};
  for (const one of [a, b])
    for (const [lag, step, level, times] of entriesOf(one)) count(deviations, lag, step, level, times);
  const sum = { ...a, runs: a.runs + b.runs, deviations };
  return sum.runs > MOST_RUNS ? halved(sum) : sum;
}

/** Every cell: lag, step, level, and how often. */
export function* entriesOf({
  deviations,
}: Observations): Generator<readonly [lag: number, step: number, level: number, times: number]> {
  for (const [lag, steps] of Object.entries(deviations))
    for (const [step, levels] of Object.entries(steps))
      for (const [level, times] of Object.entries(levels))
        yield [Number(lag), Number(step), Number(level), times];
}

/**
 * Observations from their file's text.
 * @throws MixcacheError `profile_invalid`
 */
export function readObservations(text: string, file: string): Observations {
  try {
    return observationsSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new MixcacheError(
      "profile_invalid",
      `The observations ${file} are cut off or none (${messageOf(error).slice(0, 200)}). Delete them; workers begin anew.`,
      { cause: error },
    );
  }
}

/** The file's bytes; equal sums have equal ones. */
export function writeObservations(observations: Observations): Uint8Array {
  const deviations: Observations["deviations"] = {};
  const sorted = [...entriesOf(observations)].sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  for (const [lag, step, level, times] of sorted) count(deviations, lag, step, level, times);
  return new TextEncoder().encode(`${JSON.stringify({ ...observations, deviations })}\n`);
}

interface Seen {
  readonly lag: number;
  readonly step: number;
  readonly deviation: number;
}

function* comparable(steps: readonly StepTrace[]): Generator<Seen> {
  const full = steps.filter((step) => stepMode(step) === "full");
  for (const [place, { index, deviation }] of full.entries()) {
    const [newest, older] = [full[place - 1]?.index, full[place - 2]?.index];
    if (newest === undefined || older === undefined || deviation === undefined || !(deviation > 0)) continue;
    const lag = index - newest;
    const between = steps.filter((step) => step.index > older && step.index < index && step.index !== newest);
    const isComparable = newest - older === lag && lag <= LAST_LAG;
    if (isComparable && between.every((step) => stepMode(step) === "step"))
      yield { lag, step: index, deviation };
  }
}

function levelOf(deviation: number): number {
  return Math.max(-99, Math.min(99, Math.round(Math.log2(deviation) / LEVEL)));
}

function count(
  deviations: Observations["deviations"],
  lag: number,
  step: number,
  level: number,
  times: number,
): void {
  const steps = deviations[lag] ?? {};
  deviations[lag] = steps;
  const levels = steps[step] ?? {};
  steps[step] = levels;
  levels[level] = (levels[level] ?? 0) + times;
}

function halved(all: Observations): Observations {
  const deviations: Observations["deviations"] = {};
  for (const [lag, step, level, times] of entriesOf(all)) {
    const half = Math.floor(times / 2);
    if (half > 0) count(deviations, lag, step, level, half);
  }
  return { ...all, runs: Math.floor(all.runs / 2), deviations };
}
