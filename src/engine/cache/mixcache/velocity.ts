/**
 * Velocity decomposition (VDE, arXiv 2605.23381): v = α x + β ‖x‖ u, with u of length 1 and at right angles to x. α and
 * β are extrapolated in a line from the last two computed steps, u is held, and all is put together with the latents x
 * of the step itself. A guidance difference is taken apart in the same way.
 */

import type { Measurement, Prediction } from "../contract.ts";
import type { Anchors, Track } from "./anchors.ts";
import { line, linear, type Moment, type Predictor } from "./predictor.ts";

/** What a computed step says of the vector v of a track and the latents x. */
interface Decomposition {
  readonly step: number;
  readonly alpha: number;
  readonly beta: number;
  /** ‖x‖ */
  readonly length: number;
}

const LATENTS = { of: "latents", when: "current" } as const;
const SQUARE_OF_LATENTS: Measurement = { kind: "dot", a: LATENTS, b: LATENTS };

/** Blocks live among the hidden states, where latents can't be mixed in: they are predicted in a line. */
const decomposes = ({ part }: Track) => part.kind === "output" || part.kind === "guidance_delta";

export function velocity(sigmas: readonly number[]): Predictor {
  const found = new Map<string, Decomposition[]>();
  const fallback = linear(sigmas);
  const key = ({ part, branch }: Track) => `${branch}/${part.kind}`;

  function predict(track: Track, moment: Moment): Prediction | undefined {
    const [newest, older] = found.get(key(track)) ?? [];
    const length = Math.sqrt(moment.scalars[0] ?? Number.NaN);
    if (!decomposes(track) || !newest || !older) return fallback.predict(track, moment);
    const kept = anchored(track, newest.step, moment.anchors);
    if (!kept) return undefined;
    const weights = line(older.step, newest.step, moment.step, sigmas);
    const along = (of: (d: Decomposition) => number) =>
      (weights.get(newest.step) ?? 0) * of(newest) + (weights.get(older.step) ?? 0) * of(older);
    const alpha = along((d) => d.alpha);
    const across = newest.beta * newest.length;
    // What has no part across the latents, such as the difference of equal prompts, has no u to hold.
    const held = across > 0 ? (along((d) => d.beta) * length) / across : 0;
    return {
      terms: [
        { ...kept.result, coefficient: held },
        { ...kept.input, coefficient: -held * newest.alpha },
      ],
      latents: alpha,
    };
  }

  return {
    depth: 2,
    inputs: true,
    measureBefore: [SQUARE_OF_LATENTS],
    measureAfter: (track) => {
      if (!decomposes(track)) return [];
      const result = { of: "part", part: track.part, branch: track.branch } as const;
      return [
        { kind: "dot", a: result, b: LATENTS },
        { kind: "dot", a: result, b: result },
        SQUARE_OF_LATENTS,
      ];
    },
    computed: (track, step, [vx, vv, xx]) => {
      if (vx === undefined || vv === undefined || xx === undefined) return;
      const alpha = vx / xx;
      const beta = Math.sqrt(Math.max(0, vv - alpha * vx) / xx);
      const now = { step, alpha, beta, length: Math.sqrt(xx) };
      found.set(key(track), [now, ...(found.get(key(track)) ?? [])].slice(0, 2));
    },
    predict,
    coefficients: (track, moment) => (decomposes(track) ? undefined : fallback.coefficients(track, moment)),
    clear: () => found.clear(),
  };
}

/** The result of a step and the latents that entered it; the latents are kept with the output of the branch. */
function anchored(track: Track, step: number, anchors: Anchors) {
  const result = anchors.kept(track, step);
  const input = anchors.kept({ part: { kind: "input" }, branch: track.branch }, step);
  return result && input && { result, input };
}
