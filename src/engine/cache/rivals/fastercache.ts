/**
 * FasterCache (arXiv 2410.19355). Two halves, each of which can run alone:
 * - attention outputs are extrapolated from the two latest: F + weight · (F − F before);
 * - CFG-Cache: the unconditional output is the conditional one plus the last difference of the two, whose low and high
 *   frequencies grow by a weight of their own with every step that skips the unconditional branch.
 */

import { z } from "zod";
import { invalid } from "../../../errors.ts";
import { branchesOfRun } from "../../denoisers.ts";
import type { Branch, BranchPlan, DenoiserInfo, Prediction, RunInfo } from "../contract.ts";
import { definePolicy } from "../definition.ts";
import { modulesPart, namesOfKind } from "../module-kinds.ts";
import { AttentionHistory } from "./attention-history.ts";
import { FULL_STEP, type PlannedStep, planned, stepsOf } from "./planned.ts";
import { timestepWindow, within } from "./timestep-window.ts";

const DELTA = { kind: "guidance_delta" } as const;
/** With `history: "outputs"`; what is older counts as the oldest. The weights fall by the power of their age. */
const OUTPUTS_DEPTH = 8;

const options = z.strictObject({
  attention: z.boolean().default(true),
  /** Attention is computed every so many steps. */
  attention_range: z.int().min(1).default(2),
  attention_timesteps: timestepWindow.default([-1, 681]),
  attention_weight: z.number().default(0.5),
  /** Extrapolates from the two latest outputs that were computed, or, as diffusers does, that were used. */
  history: z.enum(["computed", "outputs"]).default("computed"),
  cfg: z.boolean().default(true),
  /** The unconditional branch runs every so many steps. */
  cfg_range: z.int().min(1).default(5),
  cfg_timesteps: timestepWindow.default([-1, 641]),
  low_weight: z.number().default(1.1),
  low_timesteps: timestepWindow.default([99, 901]),
  high_weight: z.number().default(1.1),
  high_timesteps: timestepWindow.default([-1, 301]),
  /** Both halves reuse below this timestep; without it each below the end of its own window. */
  below_timestep: z.number().optional(),
});

type Options = z.infer<typeof options>;

export const fastercache = definePolicy({
  name: "fastercache",
  title: "FasterCache",
  source: "Lv et al., arXiv 2410.19355",
  options,
  dial: { option: "below_timestep", slow: 300, fast: 1001, scale: "linear" },
  create(chosen, { manifest, settings }) {
    const part = chosen.attention && modulesPart(manifest, namesOfKind(manifest, "self_attention"));
    const cfg = chosen.cfg && branchesOfRun(manifest, settings).includes("uncond");
    if (!part && !cfg) {
      invalid(
        "cache",
        "The cache policy fastercache has nothing to reuse: attention is off, and there is no unconditional branch to skip. " +
          "Switch attention on, or choose another policy.",
      );
    }
    const depth = chosen.history === "computed" ? 2 : OUTPUTS_DEPTH;
    const extrapolate = (branch: Branch, coefficients: readonly number[]): BranchPlan | undefined => {
      if (!part) return undefined;
      const terms = coefficients.map((coefficient, age) => ({ part, branch, age, coefficient }));
      return { kind: "modules", reuse: [{ part, prediction: { terms } }] };
    };
    return {
      name: "fastercache",
      requires: {
        keep: [
          // Where the unconditional branch is skipped, only the other reuses attention.
          ...(part ? [{ part, depth, ...(cfg && { branches: ["cond" as const] }) }] : []),
          ...(cfg ? [{ part: DELTA, depth: 1 }] : []),
        ],
        signals: [],
        cuts: [],
      },
      start: (run) =>
        planned(run, (denoiser) => {
          const skipsUncond = cfg && denoiser.branches.includes("uncond");
          return timetable(run, denoiser, { ...chosen, cfg: skipsUncond }, depth, extrapolate);
        }),
    };
  },
});

function timetable(
  { timesteps }: RunInfo,
  denoiser: DenoiserInfo,
  chosen: Options,
  depth: number,
  extrapolate: (branch: Branch, coefficients: readonly number[]) => BranchPlan | undefined,
): readonly PlannedStep[] {
  const [from] = denoiser.steps;
  const history = new AttentionHistory(chosen.attention_weight, chosen.history === "outputs", depth);
  let weights = { low: 1, high: 1 };
  return stepsOf(denoiser).map((step) => {
    const timestep = timesteps[step];
    const due = (range: number) => step === from || (step - from) % range === 0;
    const reuses = (range: number, window: readonly [number, number]) =>
      !due(range) && within([window[0], chosen.below_timestep ?? window[1]], timestep);
    const skipUncond = chosen.cfg && reuses(chosen.cfg_range, chosen.cfg_timesteps);
    // A step that runs both branches for the sake of their difference computes all of it.
    const reuseAttention =
      chosen.attention &&
      reuses(chosen.attention_range, chosen.attention_timesteps) &&
      (skipUncond || !chosen.cfg);
    weights = skipUncond ? grown(weights, chosen, timestep) : { low: 1, high: 1 };
    const coefficients = reuseAttention ? history.reuse() : undefined;
    if (!reuseAttention) history.compute();
    const ofBranch = (branch: Branch): BranchPlan | undefined =>
      branch === "uncond" && skipUncond ? delta(weights) : coefficients && extrapolate(branch, coefficients);
    const plans = denoiser.branches.map((branch) => [branch, ofBranch(branch)] as const);
    const branches = Object.fromEntries(plans.filter(([, plan]) => plan));
    const mode = [...(skipUncond ? ["cfg"] : []), ...(coefficients ? ["attention"] : [])].join("+");
    return mode ? { mode, ...(skipUncond && { values: weights }), branches } : FULL_STEP;
  });
}

/** The weights after one more step without the unconditional branch. */
function grown(
  { low, high }: { low: number; high: number },
  { low_weight, low_timesteps, high_weight, high_timesteps }: Options,
  timestep: number | undefined,
): { low: number; high: number } {
  return {
    low: within(low_timesteps, timestep) ? low * low_weight : low,
    high: within(high_timesteps, timestep) ? high * high_weight : high,
  };
}

function delta({ low, high }: { low: number; high: number }): BranchPlan {
  const kept = { part: DELTA, branch: "uncond", age: 0 } as const;
  const prediction: Prediction = {
    terms:
      low === high
        ? [{ ...kept, coefficient: low }]
        : [
            { ...kept, band: "low", coefficient: low },
            { ...kept, band: "high", coefficient: high },
          ],
  };
  return { kind: "reuse", part: DELTA, prediction };
}
