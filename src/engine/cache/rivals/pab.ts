/**
 * Pyramid Attention Broadcast (arXiv 2408.12588): in the middle of a run, outputs of attentions are reused for a few
 * steps, each kind of attention for as long as it stays similar; optionally also those of the first feed-forwards.
 */

import { z } from "zod";
import type { Branch, BranchPlan, DenoiserInfo, ModulesPart, RunInfo } from "../contract.ts";
import { definePolicy } from "../definition.ts";
import { type ModuleKind, modulesPart, namesOfKind } from "../module-kinds.ts";
import { FULL_STEP, type PlannedStep, planned, stepsOf } from "./planned.ts";
import { timestepWindow, within } from "./timestep-window.ts";

/** Computed every so many steps; 1: always. */
const range = z.int().min(1);

const options = z.strictObject({
  self_attention_range: range.default(2),
  cross_attention_range: range.default(6),
  feed_forward_range: range.default(1),
  /** In how many blocks from the first one feed-forwards are reused; all if not given. A cut must lie there. */
  feed_forward_blocks: z.int().min(1).optional(),
  /** Reuse is allowed strictly between these timesteps. */
  timesteps: timestepWindow.default([100, 800]),
});

/** One kind of module that is reused. */
interface Broadcast {
  readonly kind: ModuleKind;
  readonly part: ModulesPart;
  readonly range: number;
}

export const pab = definePolicy({
  name: "pab",
  title: "Pyramid Attention Broadcast",
  source: "Zhao et al., arXiv 2408.12588",
  options,
  dial: { option: "self_attention_range", slow: 1, fast: 12, scale: "integer" },
  create(chosen, { manifest }) {
    const wanted = [
      { kind: "self_attention", range: chosen.self_attention_range },
      { kind: "cross_attention", range: chosen.cross_attention_range },
      { kind: "feed_forward", range: chosen.feed_forward_range, blocks: chosen.feed_forward_blocks },
    ] as const;
    const kinds = wanted.map((each) => ({
      blocks: undefined,
      ...each,
      names: namesOfKind(manifest, each.kind),
    }));
    // Where a bundle has no modules at all, this says so.
    if (kinds.every(({ names }) => names.length === 0)) modulesPart(manifest, []);
    const broadcasts = kinds
      .filter(({ names, range }) => names.length > 0 && range > 1)
      .map(({ kind, range, names, blocks }) => ({ kind, range, part: modulesPart(manifest, names, blocks) }));
    return {
      name: "pab",
      requires: {
        keep: broadcasts.map(({ part }) => ({ part, depth: 1, refresh: "computed" as const })),
        signals: [],
        cuts: [],
      },
      start: (run) => planned(run, (denoiser) => timetable(run, denoiser, broadcasts, chosen.timesteps)),
    };
  },
});

function timetable(
  { timesteps }: RunInfo,
  denoiser: DenoiserInfo,
  broadcasts: readonly Broadcast[],
  window: readonly [number, number],
): readonly PlannedStep[] {
  const [from] = denoiser.steps;
  return stepsOf(denoiser).map((step) => {
    const allowed = step > from && within(window, timesteps[step]);
    const reused = broadcasts.filter(({ range }) => allowed && (step - from) % range !== 0);
    if (reused.length === 0) return FULL_STEP;
    const plan = (branch: Branch): BranchPlan => ({
      kind: "modules",
      reuse: reused.map(({ part }) => ({
        part,
        prediction: { terms: [{ part, branch, age: 0, coefficient: 1 }] },
      })),
    });
    return {
      mode: reused.map(({ kind }) => kind).join("+"),
      branches: Object.fromEntries(denoiser.branches.map((branch) => [branch, plan(branch)])),
    };
  });
}
