/**
 * A rival's decisions with MixCache's predictor: the rival says which steps reuse, the output is then predicted in a line
 * through the last two computed ones and made up for at the next. It shows what of a difference between two methods
 * is the decision and what the predictor.
 */

import type { Branch, BranchPlan, CachePolicy, Keep, PolicyRun, RunInfo, StepPlan } from "../contract.ts";
import { denoiserAt } from "../denoiser-at.ts";
import { Anchors, type Track } from "./anchors.ts";
import { CORRECTION_DEPTH, correction, type Predicted, weightIn, weightsOf } from "./correction.ts";
import { linear, type Predictor } from "./predictor.ts";

const OUTPUT: Keep = { part: { kind: "output" }, depth: CORRECTION_DEPTH };

/** The rival, assisted. What it keeps itself stays, since its decisions may measure it. */
export function assisted(rival: CachePolicy): CachePolicy {
  const { keep } = rival.requires;
  return {
    ...rival,
    requires: { ...rival.requires, keep: [OUTPUT, ...keep.filter(({ part }) => part.kind !== "output")] },
    start: (run) => new AssistedRun(run, rival.start(run)),
  };
}

class AssistedRun implements PolicyRun {
  readonly #run: RunInfo;
  readonly #rival: PolicyRun;
  readonly #anchors = new Anchors(CORRECTION_DEPTH);
  readonly #predictor: Predictor;
  #predicted: Predicted[] = [];
  /** What the predictor has asked for, and how many answers each takes. */
  #asked: { readonly track: Track; readonly count: number }[] = [];

  constructor(run: RunInfo, rival: PolicyRun) {
    this.#run = run;
    this.#rival = rival;
    this.#predictor = linear(run.sigmas);
  }

  plan(step: Parameters<PolicyRun["plan"]>[0]): StepPlan {
    return this.#assist(step.index, this.#rival.plan(step));
  }

  /** What the predictor wants comes first, then what the rival wants. */
  measureAfter(...given: Parameters<PolicyRun["measureAfter"]>): ReturnType<PolicyRun["measureAfter"]> {
    const [{ index }, branches] = given;
    const wanted = denoiserAt(this.#run, index)
      .branches.filter((branch) => (branches[branch]?.kind ?? "full") === "full")
      .map((branch) => {
        const track = { part: OUTPUT.part, branch };
        return { track, measurements: this.#predictor.measureAfter(track) };
      });
    this.#asked = wanted.map(({ track, measurements }) => ({ track, count: measurements.length }));
    return [...wanted.flatMap(({ measurements }) => measurements), ...this.#rival.measureAfter(...given)];
  }

  observe(outcome: Parameters<PolicyRun["observe"]>[0]): number | undefined {
    const { index, refreshed } = outcome;
    for (const track of refreshed) if (track.part.kind === "output") this.#anchors.add(track, index);
    const scalars = [...outcome.scalars];
    for (const { track, count } of this.#asked)
      this.#predictor.computed(track, index, scalars.splice(0, count));
    return this.#rival.observe({ ...outcome, scalars });
  }

  correct({ index }: Parameters<PolicyRun["plan"]>[0]): ReturnType<NonNullable<PolicyRun["correct"]>> {
    const denoiser = denoiserAt(this.#run, index);
    const outputs = weightsOf(denoiser);
    if (outputs.some(({ track }) => this.#anchors.of(track)[0] !== index)) return undefined;
    const predicted = this.#predicted;
    this.#predicted = [];
    if (this.#run.scheduler !== "flow_match_euler") return undefined;
    return correction(index, outputs, predicted, this.#anchors, this.#run.sigmas);
  }

  event(event: Parameters<PolicyRun["event"]>[0]): void {
    this.#anchors.clear();
    this.#predictor.clear();
    this.#predicted = [];
    this.#rival.event(event);
  }

  #assist(index: number, plan: StepPlan): StepPlan {
    if (plan.kind === "probe") {
      return { ...plan, decide: (scalars) => this.#assist(index, plan.decide(scalars)) };
    }
    const branches: Partial<Record<Branch, BranchPlan>> = {};
    const { branches: served } = denoiserAt(this.#run, index);
    for (const branch of served) {
      const wanted = plan.branches[branch] ?? { kind: "full" };
      branches[branch] = wanted.kind === "reuse" ? (this.#predict(index, branch) ?? wanted) : wanted;
    }
    return { ...plan, branches };
  }

  #predict(index: number, branch: Branch): BranchPlan | undefined {
    const track: Track = { part: OUTPUT.part, branch };
    const moment = { step: index, anchors: this.#anchors, scalars: [] };
    const prediction = this.#predictor.predict(track, moment);
    const coefficients = this.#predictor.coefficients(track, moment);
    if (!prediction || !coefficients) return undefined;
    const weight = weightIn(branch, denoiserAt(this.#run, index));
    this.#predicted.push({ step: index, track, weight, coefficients });
    return { kind: "reuse", part: { kind: "output" }, prediction };
  }
}
