/** EasyCache (arXiv 2507.02860): how fast the output follows the latents tells how far it has moved since. */

import { z } from "zod";
import type { Branch, BranchPlan, CachePolicy, Kept, Measurement, PolicyRun, RunInfo } from "../contract.ts";
import { definePolicy } from "../definition.ts";
import { branchwise, COMPUTE, ofFifty, type Rule } from "./branchwise.ts";
import { RunningSum } from "./running-sum.ts";

const kept = (kind: "output" | "input", branch: Branch): Kept => ({ part: { kind }, branch, age: 0 });

/** The latents plus what the model last added to them: output − input. */
const shifted = (branch: Branch): BranchPlan => ({
  kind: "reuse",
  part: { kind: "output" },
  prediction: {
    terms: [
      { ...kept("output", branch), coefficient: 1 },
      { ...kept("input", branch), coefficient: -1 },
    ],
    latents: 1,
  },
});

/** How far the latents have moved since the step before, and the magnitude of the kept output. */
const MOVED: readonly Measurement[] = [
  { kind: "l1", a: { of: "latents", when: "current" }, b: { of: "latents", when: "previous" } },
  {
    kind: "l1",
    a: { of: "kept", ...kept("output", "cond") },
    // The norm of a tensor is its distance from zero.
    b: {
      of: "predicted",
      part: { kind: "output" },
      branch: "cond",
      prediction: { terms: [{ ...kept("output", "cond"), coefficient: 0 }] },
    },
  },
];

/** How far output and latents are from those of the computed step before. */
const FOLLOWED: readonly Measurement[] = [
  {
    kind: "l1",
    a: { of: "part", part: { kind: "output" }, branch: "cond" },
    b: { of: "kept", ...kept("output", "cond") },
  },
  { kind: "l1", a: { of: "latents", when: "current" }, b: { of: "kept", ...kept("input", "cond") } },
];

const options = z.strictObject({
  threshold: z.number().positive().default(0.05),
  warmup_steps: z.int().positive().optional(),
});

/**
 * Published: threshold 0.05 after 10 of 50 steps for Wan 2.1, 0.025 after 5 for HunyuanVideo. The warm-up is by
 * default a fifth of the steps. One decision, on `cond`, for both branches; the last step is computed.
 */
export const easycache = definePolicy({
  name: "easycache",
  title: "EasyCache",
  source: "arXiv 2507.02860",
  options,
  assistable: true,
  dial: { option: "threshold", slow: 0.005, fast: 0.5, scale: "logarithmic" },
  create: ({ threshold, warmup_steps }): CachePolicy => ({
    name: "easycache",
    requires: {
      keep: [
        { part: { kind: "output" }, depth: 1 },
        { part: { kind: "input" }, depth: 1 },
      ],
      signals: [],
      cuts: [],
    },
    start: (run) => startEasyCache(run, threshold, warmup_steps ?? ofFifty(10, run.steps)),
  }),
});

function startEasyCache(run: RunInfo, threshold: number, warmupSteps: number): PolicyRun {
  /** Of the denoiser that serves: whether it has computed a step, and the output's change per change of the latents. */
  let computed = false;
  let rate: number | undefined;
  const frame = branchwise(run, {
    mode: "step",
    together: true,
    rule: (): Rule => {
      computed = false;
      rate = undefined;
      const sum = new RunningSum(threshold);
      return (step) => {
        if (step < warmupSteps || step === run.steps - 1 || rate === undefined) {
          sum.reset();
          return COMPUTE;
        }
        const k = rate;
        return {
          measure: MOVED,
          answer: ([moved = Number.NaN, magnitude = Number.NaN]) => {
            const verdict = sum.judge((k * moved) / magnitude, shifted);
            return { ...verdict, values: { ...verdict.values, rate: k } };
          },
        };
      };
    },
  });
  return {
    ...frame,
    measureAfter: (_, branches) => (computed && branches.cond?.kind === "full" ? FOLLOWED : []),
    observe({ refreshed, scalars }) {
      const [output, input] = scalars;
      if (output !== undefined && input !== undefined) rate = output / input;
      computed ||= refreshed.some(({ branch }) => branch === "cond");
      return undefined;
    },
  };
}
