/**
 * Which steps of a run are computed in full: those before the trigger opens, and then what the budget's plan, the
 * feedback interval or the fixed mask of short runs says.
 */

import type { RunInfo } from "../contract.ts";
import { denoiserAt } from "../denoiser-at.ts";
import { affordableWait, type Choosing, type Plan, paysForAll, spend } from "./budget.ts";
import { FEW_STEPS, fewStepsMask } from "./few-steps.ts";
import { type Granularity, menusOf } from "./granularity.ts";
import { FeedbackInterval } from "./interval.ts";
import { type MixcacheOptions, wantedSpeed } from "./options.ts";
import { Trigger } from "./trigger.ts";

/** Two results make a line: the first steps of every denoiser are computed. */
const FIRST_STEPS = 2;
/** The shortest wait for the trigger and the longest, as shares of the run and of what it may spend. */
const SHORTEST = 0.06;
const LONGEST = 0.3;

/** What steps may reuse, at what cost in full steps. */
export interface Offers {
  readonly granularities: readonly Granularity[];
  readonly costOf: (granularity: Granularity) => number;
  readonly choose: Choosing;
}

export class Pace {
  readonly #run: RunInfo;
  readonly #options: MixcacheOptions;
  readonly #settled: number | undefined;
  readonly #offers: Offers;
  readonly #mask: readonly boolean[] | undefined;
  /** By step, the first step of the denoiser that serves it: a plan asks for it hundreds of times. */
  readonly #firsts: readonly number[];
  #interval: FeedbackInterval | undefined;
  #trigger: Trigger;
  #open = false;
  /** In full steps: what may still be spent, or undefined where no speed is wanted. */
  #budget: number | undefined;
  #plan: Plan | undefined;
  /** The first step of the denoiser that serves. */
  #first = 0;
  #lastFull = -1;

  /** @param settled the change of the output below which it has settled, where one is known */
  constructor(run: RunInfo, options: MixcacheOptions, settled: number | undefined, offers: Offers) {
    this.#run = run;
    this.#options = options;
    this.#settled = settled;
    this.#offers = offers;
    this.#firsts = Array.from({ length: run.steps }, (_, step) => denoiserAt(run, step).steps[0]);
    const speed = wantedSpeed(options);
    this.#budget = speed === undefined ? undefined : run.steps / speed;
    if (run.steps <= FEW_STEPS && speed !== 1) this.#mask = fewStepsMask(run.steps);
    this.#interval = this.#newInterval();
    this.#trigger = this.#newTrigger();
  }

  /** Whether a step has to be computed in full. */
  due(index: number, before: Granularity | undefined): boolean {
    if (this.#mustCompute(index)) return true;
    if (this.#mask) return this.#mask[index] ?? true;
    this.#open ||= this.#trigger.opensAt(index) && (this.#interval?.ready ?? true);
    if (!this.#open) return true;
    if (this.#interval) return this.#interval.due(this.lag(index));
    if (this.#budget !== undefined && paysForAll(this.#budget, this.#run.steps - index)) return true;
    const { granularities, costOf, choose } = this.#offers;
    this.#plan ??= spend({
      from: this.#lastFull,
      steps: this.#run.steps,
      mustCompute: (step) => this.#willCompute(step),
      budget: this.#budget ?? this.#run.steps,
      menus: menusOf(granularities, costOf),
      before,
      choose,
    });
    return this.#plan.full.has(index);
  }

  /** What a step that is not due may reuse. */
  get menu(): readonly Granularity[] {
    return this.#plan?.menu ?? this.#offers.granularities;
  }

  /** Whether the trigger waits for the output to change little. */
  get wantsChanges(): boolean {
    return this.#settled !== undefined && !this.#open;
  }

  /** How near any scalar came to another decision, relative to it. */
  get margin(): number {
    return Math.min(this.#trigger.margin, this.#interval?.margin ?? Number.POSITIVE_INFINITY);
  }

  /** For the trace. */
  get values(): Readonly<Record<string, number>> {
    return {
      ...(this.#budget !== undefined && { budget: this.#budget }),
      ...(this.#interval && { interval: this.#interval.interval }),
    };
  }

  /** Steps since the last full one. */
  lag(index: number): number {
    return index - this.#lastFull;
  }

  /** How much the output changed in a step computed in full. */
  changed(change: number): void {
    this.#trigger.observe(change);
  }

  /**
   * Whether every step after this one, which was computed in full, will be so too, whatever it shows: none is left, or
   * the budget pays for all of them. Then looking at it decides nothing.
   */
  restIsFull(index: number): boolean {
    const left = this.#run.steps - 1 - index;
    return left === 0 || (this.#budget !== undefined && paysForAll(this.#budget - 1, left));
  }

  /** A step cost so much, in full steps. */
  spent(cost: number): void {
    if (this.#budget !== undefined) this.#budget -= cost;
  }

  /** A step was computed in full, and showed how far a prediction of it would have been off. */
  computed(index: number, deviation: number | undefined): void {
    if (deviation !== undefined) {
      if (this.#settled === undefined) this.#trigger.observe(deviation);
      if (this.#open) this.#interval?.observe(deviation);
      else this.#interval?.warmUp(deviation);
    }
    this.#lastFull = index;
    this.#plan = undefined;
  }

  /** Another expert serves from this step on: all but the budget begins anew. */
  switchTo(step: number): void {
    this.#first = step;
    this.#lastFull = step - 1;
    this.#open = false;
    this.#plan = undefined;
    this.#interval = this.#newInterval();
    this.#trigger = this.#newTrigger();
  }

  #mustCompute(step: number): boolean {
    return step - this.#firstAt(step) < FIRST_STEPS || step === this.#run.steps - 1;
  }

  /** The same, as far as it can be foreseen: an expert that comes later waits until its results have settled. */
  #willCompute(step: number): boolean {
    const first = this.#firstAt(step);
    return this.#mustCompute(step) || (first > this.#first && step < first + this.#shortestWait());
  }

  #firstAt(step: number): number {
    return this.#firsts[step] ?? 0;
  }

  #shortestWait(): number {
    return Math.max(FIRST_STEPS, Math.round(SHORTEST * this.#run.steps));
  }

  #newInterval(): FeedbackInterval | undefined {
    const { quality, predictor } = this.#options;
    return quality === undefined ? undefined : new FeedbackInterval(quality, predictor === "reuse" ? 4 : 6);
  }

  #newTrigger(): Trigger {
    const { steps } = this.#run;
    const { granularities, costOf } = this.#offers;
    const shortest = this.#shortestWait();
    const longest = this.#options.trigger
      ? Math.round(LONGEST * Math.min(steps, this.#budget ?? steps))
      : shortest;
    const rest = {
      from: this.#first - 1,
      steps,
      mustCompute: (step: number) => this.#willCompute(step),
    };
    const cheapest = Math.min(...granularities.map(costOf));
    const wait = affordableWait(rest, this.#budget ?? steps, cheapest, longest);
    const latest = this.#first + Math.max(FIRST_STEPS, wait);
    const earliest = Math.min(latest, this.#first + shortest);
    return new Trigger({ earliest, latest, change: this.#settled });
  }
}
