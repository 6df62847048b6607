/**
 * MixCache (arXiv 2508.12691): reuse at three granularities, started per prompt, chosen by penalty, refreshed by what
 * full steps find. What the paper leaves open is ours; docs/caching.md says which.
 */

import { sharedCutsOf } from "../../cuts.ts";
import { branchesOf as branchesOfDenoiser } from "../../denoisers.ts";
import { createScheduler } from "../../schedulers/index.ts";
import { guidanceOf } from "../../settings.ts";
import type { CachePolicy, Keep } from "../contract.ts";
import { definePolicy, type PolicyContext } from "../definition.ts";
import { CORRECTION_DEPTH } from "./correction.ts";
import { FEW_STEPS, fewStepsNotice } from "./few-steps.ts";
import { type Granularity, middleBlocks, partOf, usable } from "./granularity.ts";
import { type MixcacheOptions, mixcacheOptions, wantedSpeed } from "./options.ts";
import { paying } from "./paying.ts";
import { held, linear, type Predictor } from "./predictor.ts";
import { MixcacheRun, type RunPlan } from "./run.ts";
import { velocity } from "./velocity.ts";

export { PRESETS, type Preset } from "./options.ts";

export const mixcache = definePolicy({
  name: "mixcache",
  title: "MixCache",
  source: "arXiv 2508.12691; what it leaves open is ours",
  options: mixcacheOptions,
  dial: { option: "speed", slow: 1.05, fast: 4, scale: "logarithmic" },
  create: (options, context): CachePolicy => {
    const { steps } = context.settings;
    const plan = planOf(options, context);
    return {
      name: "mixcache",
      requires: { keep: keepOf(plan), signals: [], cuts: [] },
      ...(steps <= FEW_STEPS && wantedSpeed(options) !== 1 && { notices: [fewStepsNotice(steps)] }),
      start: (run) => new MixcacheRun(run, plan, predictorOf(options, run.sigmas)),
    };
  },
});

function planOf(options: MixcacheOptions, context: PolicyContext): RunPlan {
  const { manifest, settings } = context;
  const profile = options.calibrated ? context.profile : undefined;
  const guided = manifest.denoisers.every(
    (denoiser) => branchesOfDenoiser(denoiser, guidanceOf(settings, denoiser)).length > 1,
  );
  const cuts = sharedCutsOf(manifest);
  const measured = profile?.block_range;
  const range = measured?.every((cut) => cuts.includes(cut)) ? measured : middleBlocks([cuts]);
  const can: readonly Granularity[] = usable(options.granularities, { guided, range, title: manifest.title });
  const blocks = cuts.at(-1) ?? 1;
  const cost = { step: 0, cfg: 0.5, block: range ? 1 - (range[1] - range[0]) / blocks : 1 };
  const { sigmas } = createScheduler(settings.scheduler, settings.steps);
  const path = { steps: settings.steps, sigmas, denoisers: [] };
  const chosen = options.granularities !== undefined || !profile;
  const granularities = chosen ? can : paying(can, profile, path, (granularity) => cost[granularity]);
  return { options, granularities, range, profile };
}

function keepOf({ options, granularities, range }: RunPlan): readonly Keep[] {
  const order = options.predictor === "reuse" ? 1 : 2;
  const depth = options.correction ? CORRECTION_DEPTH : order;
  const output: Keep = { part: { kind: "output" }, depth };
  const others = granularities
    .filter((granularity) => granularity !== "step")
    .map((granularity) => ({
      part: partOf(granularity, range),
      depth: granularity === "block" ? order : depth,
    }));
  const input: Keep[] = options.predictor === "velocity" ? [{ part: { kind: "input" }, depth }] : [];
  return [output, ...input, ...others];
}

function predictorOf({ predictor }: MixcacheOptions, sigmas: readonly number[]): Predictor {
  if (predictor === "velocity") return velocity(sigmas);
  return predictor === "linear" ? linear(sigmas) : held();
}
