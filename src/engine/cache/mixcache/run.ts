/** One run of MixCache: its parts, put together. */

import type {
  Branch,
  BranchPlan,
  Decision,
  Measurement,
  PolicyRun,
  Prediction,
  RunInfo,
  StepInfo,
  StepOutcome,
  StepPlan,
} from "../contract.ts";
import { denoiserAt } from "../denoiser-at.ts";
import type { Profile } from "../profile.ts";
import { Anchors, type Track } from "./anchors.ts";
import { CORRECTION_DEPTH, correction, type Predicted, weightIn, weightsOf } from "./correction.ts";
import { type Candidate, type Choice, choose } from "./decision.ts";
import { Deviations, typicalDeviations } from "./deviation.ts";
import { type BlockRange, branchesOf, costOf, type Granularity, partOf } from "./granularity.ts";
import { impactsOf } from "./impact.ts";
import type { MixcacheOptions } from "./options.ts";
import { Pace } from "./pace.ts";
import type { Moment, Predictor } from "./predictor.ts";

export interface RunPlan {
  readonly options: MixcacheOptions;
  readonly granularities: readonly Granularity[];
  readonly range: BlockRange | undefined;
  readonly profile: Profile | undefined;
}

/** What `measureAfter` has asked for, so that `observe` knows what the answers are. */
type Asked =
  | { readonly about: "change" }
  | { readonly about: "deviation"; readonly granularity: Granularity }
  | { readonly about: "track"; readonly track: Track; readonly count: number };

const OUTPUT = { kind: "output" } as const;

export class MixcacheRun implements PolicyRun {
  readonly #run: RunInfo;
  readonly #plan: RunPlan;
  readonly #predictor: Predictor;
  readonly #anchors: Anchors;
  readonly #deviations: Deviations;
  readonly #pace: Pace;
  /** I by granularity and step: asked for many times, and the same throughout the run. */
  readonly #impacts: ReadonlyMap<Granularity, readonly number[]>;
  /** What a step costs that reuses a granularity, in full steps. */
  readonly #costs: ReadonlyMap<Granularity, number>;
  #before: Granularity | undefined;
  #predicted: Predicted[] = [];
  #asked: Asked[] = [];
  #scalars: readonly number[] = [];

  constructor(run: RunInfo, plan: RunPlan, predictor: Predictor) {
    const { options, profile } = plan;
    this.#run = run;
    this.#plan = plan;
    this.#predictor = predictor;
    this.#anchors = new Anchors(options.correction ? CORRECTION_DEPTH : predictor.depth);
    const order = options.predictor === "reuse" ? 0 : 1;
    this.#deviations = new Deviations(profile && typicalDeviations(profile, order), order);
    const { granularities } = plan;
    this.#impacts = new Map(granularities.map((g) => [g, impactsOf(profile?.impacts, g, run)]));
    this.#costs = new Map(granularities.map((g) => [g, costOf(g, run, plan.range)]));
    this.#pace = new Pace(run, options, settled(plan, run.steps), {
      granularities,
      costOf: (granularity) => this.#costOf(granularity),
      choose: (menu, step, lag, before) => this.#foreseen(menu, step, lag, before),
    });
  }

  plan(step: StepInfo): StepPlan {
    const decide = (scalars: readonly number[]) => {
      this.#scalars = scalars;
      return this.#decide(step.index);
    };
    const { measureBefore } = this.#predictor;
    return measureBefore.length > 0
      ? { kind: "probe", branch: "cond", measure: measureBefore, decide }
      : decide([]);
  }

  measureAfter({ index }: StepInfo, branches: StepOutcome["branches"]): readonly Measurement[] {
    this.#asked = [];
    const isFull = (branch: Branch) => (branches[branch]?.kind ?? "full") === "full";
    const served = denoiserAt(this.#run, index).branches;
    if (served.every(isFull) && this.#pace.restIsFull(index)) return [];
    const wanted: Measurement[] = [];
    const ask = (asked: Asked, ...measurements: Measurement[]) => {
      this.#asked.push(asked);
      wanted.push(...measurements);
    };
    if (served.every(isFull)) {
      const newest = { part: OUTPUT, branch: "cond" } as const;
      if (this.#pace.wantsChanges && this.#anchors.of(newest).length > 0) {
        ask({ about: "change" }, relative({ of: "part", ...newest }, { of: "kept", ...newest, age: 0 }));
      }
      for (const granularity of this.#observed()) {
        if (!this.#deviations.wants(granularity)) continue;
        for (const track of this.#tracks(granularity, served)) {
          const measurement = this.#deviationOf(track, index);
          if (measurement) ask({ about: "deviation", granularity }, measurement);
        }
      }
    }
    for (const granularity of this.#observed()) {
      for (const track of this.#tracks(granularity, served)) {
        const computed = granularity === "cfg" ? served.every(isFull) : isFull(track.branch);
        const after = computed ? this.#predictor.measureAfter(track) : [];
        if (after.length > 0) ask({ about: "track", track, count: after.length }, ...after);
      }
    }
    return wanted;
  }

  observe({ index, branches, refreshed, scalars }: StepOutcome): number | undefined {
    for (const track of refreshed) this.#anchors.add(track, index);
    const found = this.#read(index, scalars);
    const served = denoiserAt(this.#run, index).branches;
    const full = served.every((branch) => (branches[branch]?.kind ?? "full") === "full");
    const cost = full || !this.#before ? 1 : this.#costOf(this.#before);
    this.#pace.spent(cost);
    if (!full) return undefined;
    const lag = this.#pace.lag(index);
    for (const [granularity, deviation] of found) {
      if (this.#plan.options.adaptive) this.#deviations.observe(granularity, index, lag, deviation);
    }
    const deviation = found.get("step");
    this.#pace.computed(index, deviation);
    return deviation;
  }

  correct({ index }: StepInfo): Prediction | undefined {
    if (this.#pace.lag(index) > 0) return undefined;
    const predicted = this.#predicted;
    this.#predicted = [];
    const { options } = this.#plan;
    if (!options.correction || this.#run.scheduler !== "flow_match_euler") return undefined;
    return correction(
      index,
      weightsOf(denoiserAt(this.#run, index)),
      predicted,
      this.#anchors,
      this.#run.sigmas,
    );
  }

  event({ step }: { readonly step: number }): void {
    this.#anchors.clear();
    this.#predictor.clear();
    this.#deviations.clear();
    this.#predicted = [];
    this.#before = undefined;
    this.#pace.switchTo(step);
  }

  #decide(index: number): StepPlan {
    const lag = this.#pace.lag(index);
    const due = this.#pace.due(index, this.#before);
    const choice = due ? undefined : this.#choose(this.#pace.menu, index, lag, this.#before);
    const margin = Math.min(this.#pace.margin, this.#deviations.margin);
    const plan = choice && this.#reuse(choice.granularity, index);
    const mode = plan && choice ? choice.granularity : "full";
    const values: Record<string, number> = { lag, ...this.#pace.values };
    for (const [name, score] of Object.entries(choice?.scores ?? {})) values[`score_${name}`] = score;
    const decision: Decision = { mode, values, ...(Number.isFinite(margin) && { margin }) };
    this.#before = plan ? choice?.granularity : this.#before;
    return { kind: "run", branches: plan ?? {}, decision };
  }

  #costOf(granularity: Granularity): number {
    return this.#costs.get(granularity) ?? 1;
  }

  #candidate(granularity: Granularity, step: number, lag: number): Candidate {
    const impact = this.#impacts.get(granularity)?.[step] ?? 0;
    const error = this.#deviations.expected(granularity, step, lag) * impact;
    return { granularity, error, cost: this.#costOf(granularity) };
  }

  #choose(menu: readonly Granularity[], step: number, lag: number, before: Granularity | undefined): Choice {
    const { options } = this.#plan;
    const candidates = menu.map((granularity) => this.#candidate(granularity, step, lag));
    return choose(candidates, options.decision, options.repeat_penalty, before);
  }

  /** What a step would reuse. A plan asks this hundreds of times, where mostly there is but one to choose. */
  #foreseen(
    menu: readonly Granularity[],
    step: number,
    lag: number,
    before: Granularity | undefined,
  ): Candidate {
    const [only] = menu;
    return menu.length === 1 && only
      ? this.#candidate(only, step, lag)
      : this.#choose(menu, step, lag, before);
  }

  /** The plans of the branches, and a note of what was predicted; undefined where too little has been computed. */
  #reuse(granularity: Granularity, index: number): StepOutcome["branches"] | undefined {
    const denoiser = denoiserAt(this.#run, index);
    const plans: Partial<Record<Branch, BranchPlan>> = {};
    const predicted: Predicted[] = [];
    const moment = this.#moment(index);
    for (const track of this.#tracks(granularity, denoiser.branches)) {
      const prediction = this.#predictor.predict(track, moment);
      if (!prediction) return undefined;
      plans[track.branch] = { kind: "reuse", part: partOf(granularity, this.#plan.range), prediction };
      const coefficients = this.#predictor.coefficients(track, moment);
      const weight = weightIn(track.branch, denoiser);
      if (coefficients && granularity !== "block")
        predicted.push({ step: index, track, weight, coefficients });
    }
    this.#predicted.push(...predicted);
    return plans;
  }

  /** The output is observed in any case: how rough it is says how rough all is. */
  #observed(): readonly Granularity[] {
    const { granularities } = this.#plan;
    return granularities.includes("step") ? granularities : ["step", ...granularities];
  }

  #moment(step: number): Moment {
    return { step, anchors: this.#anchors, scalars: this.#scalars };
  }

  /** How far a prediction of this step would have been from what it has computed. */
  #deviationOf(track: Track, step: number): Measurement | undefined {
    const prediction = this.#predictor.predict(track, this.#moment(step));
    if (!prediction || this.#anchors.of(track).length < this.#predictor.depth) return undefined;
    // The guidance difference is compared as such, not as the output that it makes.
    const part = track.part.kind === "guidance_delta" ? OUTPUT : track.part;
    return relative({ of: "predicted", part, branch: track.branch, prediction }, { of: "part", ...track });
  }

  #read(index: number, scalars: readonly number[]): ReadonlyMap<Granularity, number> {
    const sums = new Map<Granularity, { sum: number; count: number }>();
    let at = 0;
    for (const asked of this.#asked) {
      const count = asked.about === "track" ? asked.count : 1;
      const answers = scalars.slice(at, at + count);
      at += count;
      const [value = Number.NaN] = answers;
      if (asked.about === "track") this.#predictor.computed(asked.track, index, answers);
      else if (asked.about === "change") this.#pace.changed(value);
      else {
        const { sum, count: seen } = sums.get(asked.granularity) ?? { sum: 0, count: 0 };
        sums.set(asked.granularity, { sum: sum + value, count: seen + 1 });
      }
    }
    return new Map([...sums].map(([granularity, { sum, count }]) => [granularity, sum / count]));
  }

  #tracks(granularity: Granularity, served: readonly Branch[]): readonly Track[] {
    const part = partOf(granularity, this.#plan.range);
    return branchesOf(granularity, served)
      .filter((branch) => served.includes(branch))
      .map((branch) => ({ part, branch }));
  }
}

/**
 * The change of the output below which it has settled: as given, or what the typical prompt's has come to about a
 * sixth into the run. Undefined where caching shall not wait for it, or nothing knows.
 */
function settled({ options, profile }: RunPlan, steps: number): number | undefined {
  if (!options.trigger) return undefined;
  return options.trigger_change ?? profile?.changes.p50[Math.round(0.17 * steps)] ?? undefined;
}

function relative(a: Measurement["a"], b: Measurement["b"]): Measurement {
  return { kind: "relative_l1", a, b };
}
