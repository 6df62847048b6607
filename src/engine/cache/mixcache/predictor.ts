/**
 * How a result is predicted from kept ones. Times are noise levels, not step numbers, since the steps are not evenly
 * spaced in the model's own time (cf. TAFC's prediction in physical time).
 */

import type { Measurement, Prediction } from "../contract.ts";
import type { Anchors, Track } from "./anchors.ts";
import { Trend } from "./trend.ts";

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

/** The newest result as it is. */
export function held(): Predictor {
  return fromCoefficients(1, ({ anchors }, track) => {
    const [newest] = anchors.of(track);
    return newest === undefined ? undefined : new Map([[newest, 1]]);
  });
}

/** The line through the two newest results, followed as far as this prompt's own results bear it out. */
export function linear(sigmas: readonly number[]): Predictor {
  const at = (index: number) => sigmas[index] ?? 0;
  const trends = new Map<string, Trend>();
  /** Blocks' residuals stay in the backend, where scalar products are dear: their branch's output speaks for them. */
  const trendOf = ({ branch, part }: Track): Trend => {
    const key = `${branch}/${part.kind === "guidance_delta" ? part.kind : "output"}`;
    const trend = trends.get(key) ?? new Trend();
    trends.set(key, trend);
    return trend;
  };
  const coefficients = ({ step, anchors }: Moment, track: Track): Coefficients | undefined => {
    const [newest, older] = anchors.of(track);
    if (newest === undefined) return undefined;
    if (older === undefined) return new Map([[newest, 1]]);
    const weight = trendOf(track).weight(at(newest) - at(step), at(older) - at(newest));
    return new Map([
      [newest, 1 + weight],
      [older, -weight],
    ]);
  };
  return {
    ...fromCoefficients(2, coefficients),
    measureAfter: (track) => {
      if (track.part.kind === "blocks") return [];
      const own = { of: "part", ...track } as const;
      const ages = [0, 1].slice(0, trendOf(track).known);
      return [
        { kind: "dot", a: own, b: own },
        ...ages.map((age): Measurement => ({ kind: "dot", a: own, b: { of: "kept", ...track, age } })),
      ];
    },
    computed: (track, step, [own, newest, older]) => {
      if (own === undefined) return;
      trendOf(track).observe(at(step), {
        own,
        ...(newest !== undefined && { newest }),
        ...(older !== undefined && { older }),
      });
    },
    clear: () => trends.clear(),
  };
}

function fromCoefficients(
  depth: number,
  coefficients: (moment: Moment, track: Track) => Coefficients | undefined,
): Predictor {
  return {
    depth,
    inputs: false,
    measureBefore: [],
    measureAfter: () => [],
    computed: () => {},
    coefficients: (track, moment) => coefficients(moment, track),
    predict: (track, moment) => {
      const found = coefficients(moment, track);
      return found && toPrediction(track, found, moment.anchors);
    },
    clear: () => {},
  };
}
