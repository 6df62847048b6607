/** DiCache (ICLR 2026, arXiv 2508.17356): a shallow probe decides, and aligns the reused residual with its path. */

import { z } from "zod";
import type { Branch, BranchPlan, CachePolicy, Measurement, ReusablePart, RunInfo } from "../contract.ts";
import { definePolicy } from "../definition.ts";
import { branchwise, COMPUTE, type Rule, type Verdict } from "./branchwise.ts";
import { blocks, probeCut } from "./first-blocks.ts";
import { RunningSum } from "./running-sum.ts";

const STACK: ReusablePart = { kind: "stack" };

const options = z.strictObject({
  threshold: z.number().positive().default(0.2),
  probe_depth: z.int().positive().optional(),
  retention_ratio: z.number().min(0).max(1).default(0.2),
});

/**
 * Published thresholds: 0.2 for Wan 2.1 and 0.1 for HunyuanVideo, with a probe of one block. Each branch decides for
 * itself. The last step is not forced, as in the paper.
 */
export const dicache = definePolicy({
  name: "dicache",
  title: "DiCache",
  source: "arXiv 2508.17356",
  options,
  assistable: true,
  dial: { option: "threshold", slow: 0.02, fast: 1, scale: "logarithmic" },
  create: ({ threshold, probe_depth, retention_ratio }, context): CachePolicy => {
    const cut = probeCut("cache.probe_depth", probe_depth, 1, context);
    return {
      name: "dicache",
      requires: {
        keep: [
          { part: blocks(0, cut), depth: 2 },
          { part: STACK, depth: 2 },
        ],
        signals: [],
        cuts: [cut],
      },
      start: (run: RunInfo) =>
        branchwise(run, {
          mode: "step",
          together: false,
          rule: (branch, { steps: [from, to] }) =>
            diCacheRule(threshold, cut, branch, from + Math.floor(retention_ratio * (to - from))),
        }),
    };
  },
});

function diCacheRule(threshold: number, cut: number, branch: Branch, retained: number): Rule {
  const sum = new RunningSum(threshold);
  // The first step of the denoiser, which the rule is not asked about.
  let computed = 1;
  const counted = (verdict: Verdict): Verdict => {
    if (!verdict.reuse) computed += 1;
    return verdict;
  };
  return (step) => {
    if (step < retained) return counted(COMPUTE);
    return {
      cut,
      measure: [streamChange(branch, cut)],
      answer: ([change = Number.NaN]) => {
        const verdict = counted(sum.judge(change, aligned(1)));
        if (!verdict.reuse || computed < 2) return verdict;
        return {
          measure: probePath(branch, cut),
          answer: ([way = Number.NaN, span = Number.NaN]) => {
            const gamma = clipped(way / span);
            return { ...verdict, reuse: aligned(gamma), values: { ...verdict.values, gamma } };
          },
        };
      },
    };
  };
}

/** How much the stream behind the probe has changed since the step before, computed or not. */
function streamChange(branch: Branch, cut: number): Measurement {
  const at = (when: "current" | "previous") => ({ of: "stream", cut, branch, when }) as const;
  return { kind: "relative_l1", a: at("current"), b: at("previous") };
}

/** How far the probe's residual is from that of the older computed step, and how far the newer one's is. */
function probePath(branch: Branch, cut: number): readonly Measurement[] {
  const part = blocks(0, cut);
  const older = { of: "kept", part, branch, age: 1 } as const;
  return [
    { kind: "l1", a: { of: "part", part, branch }, b: older },
    { kind: "l1", a: { of: "kept", part, branch, age: 0 }, b: older },
  ];
}

/** γ in [1, 2]; where the probe has not moved between the computed steps, plain reuse. */
function clipped(gamma: number): number {
  return Number.isNaN(gamma) ? 1 : Math.min(2, Math.max(1, gamma));
}

/** r₁ + γ · (r₂ − r₁) of the residuals of the last two computed steps, r₂ the newer. */
function aligned(gamma: number): (branch: Branch) => BranchPlan {
  return (branch) => {
    const newer = { part: STACK, branch, age: 0, coefficient: gamma };
    const older = { part: STACK, branch, age: 1, coefficient: 1 - gamma };
    return {
      kind: "reuse",
      part: STACK,
      prediction: { terms: gamma === 1 ? [newer] : [newer, older] },
    };
  };
}
