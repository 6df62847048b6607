/** Who takes part in the comparison of docs/caching.md, and what is taken out of MixCache to see what it is worth. */

import { POLICIES } from "../../src/engine/cache/policies.ts";
import type { Contestant, ContestantsFile, Report } from "../../src/lab/index.ts";

/** Speedups of the denoiser at which policies meet. */
export const TARGETS = [1.5, 2, 2.5, 3] as const;

/** The speedup at which parts are taken out, and rivals get MixCache's predictor. */
export const ABLATED_SPEED = 2;

/** What is tuned: every policy with a dial, and the second forms of some. */
export const TUNED = [
  "step-reduction",
  ...POLICIES.filter(({ dial }) => dial).map(({ name }) => name),
  "taylorseer:granularity=stack",
  "dbcache:taylor=1",
];

/** Each rival that reuses whole steps once more, with its own decisions and MixCache's predictor. */
export function withAssistance({ contestants }: ContestantsFile): readonly Contestant[] {
  const assistable = POLICIES.filter((policy) => policy.assistable).map(({ name }) => name);
  return contestants
    .filter(({ family, target }) => assistable.includes(family) && target === ABLATED_SPEED)
    .map((who) => ({
      ...who,
      label: `${who.label} + MixCache's predictor`,
      family: `${who.family} + predictor`,
      cache: { ...who.cache, predictor: "mixcache" },
    }));
}

/**
 * MixCache once more at the speed of each rival that is compared with none of its settings: the test prompts make some
 * faster or slower than the prompts that they were tuned on, and others can't be turned to a target. Speeds that come
 * to the same number of steps are one.
 */
export function atRivalsSpeeds(report: Report): readonly Contestant[] {
  const { rows, comparisons, focus, num_inference_steps: steps } = report;
  const met = new Set(comparisons.filter(({ differences }) => differences).map(({ rival }) => rival));
  const missed = rows.filter(({ label, family }) => family !== focus && family !== "off" && !met.has(label));
  const speeds = missed.map(({ speed }) => Number(speed.computed.toFixed(2))).toSorted((a, b) => a - b);
  const byFullSteps = new Map(speeds.map((speed) => [Math.round(steps / speed), speed]));
  return [...byFullSteps.values()].map((speed) => ({
    label: `mixcache ${speed}×`,
    family: focus,
    cache: { policy: "mixcache", speed },
  }));
}

/** Named, since by default a profile leaves out what hardly pays, and then there is little to decide. */
const ALL = ["step", "cfg", "block"];

/** MixCache whole, and with one part removed or swapped. */
const ABLATIONS: readonly (readonly [label: string, options: Readonly<Record<string, unknown>>])[] = [
  ["whole", {}],
  ["without correction", { correction: false }],
  ["predictor: reuse", { predictor: "reuse", correction: false }],
  ["predictor: reuse, with correction", { predictor: "reuse" }],
  ["predictor: velocity decomposition", { predictor: "velocity" }],
  ["without adaptation to the prompt", { adaptive: false }],
  ["without trigger", { trigger: false }],
  ["without profile", { calibrated: false }],
  ["all three granularities", { granularities: ALL }],
  ["all three, decision by penalty alone", { granularities: ALL, decision: "penalty" }],
  ["all three, penalty ×5 for repeating", { granularities: ALL, decision: "penalty", repeat_penalty: 5 }],
  ["all three, cost-aware, ×5 for repeating", { granularities: ALL, repeat_penalty: 5 }],
  ["step alone", { granularities: ["step"] }],
  ["cfg alone", { granularities: ["cfg"] }],
  ["block alone", { granularities: ["block"] }],
  ["step and block", { granularities: ["step", "block"] }],
  ["step and cfg", { granularities: ["step", "cfg"] }],
  ["cfg and block", { granularities: ["cfg", "block"] }],
];

export function ablations(): readonly Contestant[] {
  const budgeted = ABLATIONS.map(
    ([label, options]): Contestant => ({
      label,
      family: label === "whole" ? "mixcache" : label,
      cache: { policy: "mixcache", speed: ABLATED_SPEED, ...options },
      target: ABLATED_SPEED,
    }),
  );
  const feedback: Contestant = {
    label: "interval by feedback instead of a budget",
    family: "interval by feedback instead of a budget",
    cache: { policy: "mixcache", quality: 1 },
  };
  return [...budgeted, feedback];
}
