/** An engine's progress as callers see it, and the steps that it finished. */

import type { AttemptEvent, Progress as Shown } from "../jobs/index.ts";
import type { Progress } from "../node/index.ts";
import type { FinishedStep } from "./record.ts";

/** Where the parts of a video begin, in percent of the whole; roughly how long they take. */
const STEPS_FROM = 2;
const DECODE_FROM = 92;
const ENCODE_FROM = 98;

type Finished = NonNullable<Extract<Progress, { phase: "denoise" }>["finished"]>;

/** Frames are made; files are not. */
export const ENCODING: Shown = { percent: ENCODE_FROM, detail: { phase: "encode" } };

/** Collects what an engine tells during one video. */
export class ProgressNotes {
  readonly #steps: FinishedStep[] = [];
  readonly #startedMs: number;
  readonly #sum = { flops: 0, full_flops: 0 };

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  /** The steps that are finished, in order. */
  get steps(): readonly FinishedStep[] {
    return this.#steps;
  }

  /** Share of the FLOPs that the finished steps were spared, 0 to 1, to three decimals. */
  get saved(): number {
    return savedOf(this.#sum);
  }

  /** Takes note, and gives what is to be shown. */
  add(progress: Exclude<Progress, { phase: "preview" }>, nowMs: number): Shown {
    const { phase } = progress;
    if (phase === "decode")
      return { percent: between(DECODE_FROM, ENCODE_FROM, progress.fraction), detail: { phase } };
    if (phase !== "denoise") return { percent: 0, detail: { phase } };
    const { step, steps, fraction, finished } = progress;
    if (finished) this.#finished(step, finished);
    const last = this.#steps.at(-1);
    const elapsedMs = nowMs - this.#startedMs;
    const left = fraction > 0.02 ? Math.ceil(((elapsedMs / fraction) * (1 - fraction)) / 1000) : undefined;
    return {
      percent: between(STEPS_FROM, DECODE_FROM, fraction),
      detail: {
        phase,
        step: step + 1,
        steps,
        ...(last && { mode: last.mode, saved: this.saved }),
        ...(left !== undefined && { seconds_left: left }),
      },
    };
  }

  #finished(index: number, { mode, flops, fullFlops }: Finished): void {
    this.#steps.push({ index, mode, flops, full_flops: fullFlops });
    this.#sum.flops += flops;
    this.#sum.full_flops += fullFlops;
  }
}

/** What the cache did in a step, as its event tells it. */
export function decisionOf({ index, mode, flops, full_flops }: FinishedStep): AttemptEvent {
  const data = { step: index + 1, mode, flops, full_flops, saved: savedOf({ flops, full_flops }) };
  return { type: "decision", data };
}

function savedOf({ flops, full_flops }: Pick<FinishedStep, "flops" | "full_flops">): number {
  return full_flops > 0 ? Math.round((1 - flops / full_flops) * 1000) / 1000 : 0;
}

function between(from: number, to: number, fraction: number): number {
  return Math.floor(from + (to - from) * Math.min(1, fraction));
}
