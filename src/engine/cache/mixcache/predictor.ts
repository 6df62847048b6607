/**
 * How a result is predicted from kept ones. Times are noise levels, not step numbers, since the steps are not evenly
 * spaced in the model's own time (cf. TAFC's prediction in physical time).
 */

import type { Measurement, Prediction } from "../contract.ts";
import type { Anchors, Track } from "./anchors.ts";

/** A prediction by steps: each coefficient multiplies what was computed in that step. */
export type Coefficients = ReadonlyMap<number, number>;

/** What a predictor knows when it predicts. */
export interface Moment {
  readonly step: number;
  readonly anchors: Anchors;
  /** Answers to `measureBefore`, in its order. */
  readonly scalars: readonly number[];
}

export interface Predictor {
  /** How many results of each track it uses. */
  readonly depth: number;
  /** Whether the latents that entered computed steps are kept too. */
  readonly inputs: boolean;
  /** Wanted before every step that is predicted or compared. */
  readonly measureBefore: readonly Measurement[];
  /** Wanted of a track once a step has computed it. */
  measureAfter(track: Track): readonly Measurement[];
  /** The answers to `measureAfter`. */
  computed(track: Track, step: number, scalars: readonly number[]): void;
  /** Undefined where too little has been computed. */
  predict(track: Track, moment: Moment): Prediction | undefined;
  /** The same by steps, where the prediction is made of computed results alone. */
  coefficients(track: Track, moment: Moment): Coefficients | undefined;
  clear(): void;
}

/**
 * The straight line through two computed steps, at another step: beyond them a prediction, between them an
 * interpolation.
 */
export function line(a: number, b: number, step: number, sigmas: readonly number[]): Coefficients {
  const at = (index: number) => sigmas[index] ?? 0;
  const along = (at(step) - at(b)) / (at(b) - at(a));
  return new Map([
    [b, 1 + along],
    [a, -along],
  ]);
}

/**
 * A line through neighbouring results is mostly their noise: it is followed at most this many times as far as the two
 * are apart, and then held.
 */
const FARTHEST = 2;

/** The line through the two newest results, beyond them. */
function ahead(older: number, newest: number, step: number, sigmas: readonly number[]): Coefficients {
  const along = line(older, newest, step, sigmas).get(newest) ?? 1;
  const followed = Math.min(along, 1 + FARTHEST);
  return new Map([
    [newest, followed],
    [older, 1 - followed],
  ]);
}

/** Coefficients by steps as the contract wants them; undefined where a result is kept no longer. */
export function toPrediction(
  track: Track,
  coefficients: Coefficients,
  anchors: Anchors,
): Prediction | undefined {
  const terms = [...coefficients].map(([step, coefficient]) => {
    const kept = anchors.kept(track, step);
    return kept && { ...kept, coefficient };
  });
  const known = terms.filter((term) => term !== undefined);
  return known.length === terms.length ? { terms: known } : undefined;
}

/** The newest result as it is, or the line through the two newest. */
export function straight(order: 0 | 1, sigmas: readonly number[]): Predictor {
  const coefficients = (track: Track, { step, anchors }: Moment): Coefficients | undefined => {
    const [newest, older] = anchors.of(track);
    if (newest === undefined) return undefined;
    return order === 0 || older === undefined ? new Map([[newest, 1]]) : ahead(older, newest, step, sigmas);
  };
  return {
    depth: order + 1,
    inputs: false,
    measureBefore: [],
    measureAfter: () => [],
    computed: () => {},
    coefficients,
    predict: (track, moment) => {
      const found = coefficients(track, moment);
      return found && toPrediction(track, found, moment.anchors);
    },
    clear: () => {},
  };
}
