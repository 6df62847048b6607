/** What an experiment says: the numbers of its page and of report.json. */

import { type Cell, type Cells, computedSpeedup } from "./cells.ts";
import { type Comparison, compareWith, SPEED_TOLERANCE } from "./comparisons.ts";
import { REFERENCE, type Trial, type Unreachable } from "./contestants.ts";
import type { Plan } from "./plan.ts";
import { type Row, tableOf } from "./table.ts";

export const REPORT_FORMAT = "mixcache.report/1";

export interface Report {
  readonly format: typeof REPORT_FORMAT;
  readonly made: Plan["made"];
  readonly bundle: Plan["bundle"];
  readonly engine: Plan["engine"];
  readonly prompts: { readonly name: string; readonly count: number; readonly seeds: readonly number[] };
  readonly num_inference_steps: number;
  /** Videos that the plan needs, and those that are there. */
  readonly videos: { readonly planned: number; readonly there: number };
  /** The family whose differences to the others are shown. */
  readonly focus: string;
  readonly speed_tolerance: number;
  readonly rows: readonly Row[];
  readonly comparisons: readonly Comparison[];
  readonly unreachable: readonly Unreachable[];
  readonly trials: readonly Trial[];
  /** Worst first, by the focus's mean PSNR, or without it everyone's. */
  readonly by_prompt: readonly PromptReport[];
}

export interface PromptReport {
  readonly prompt: string;
  /** Of each contestant, means over the seeds. */
  readonly contestants: Readonly<Record<string, { readonly psnr: number; readonly speedup: number }>>;
}

/** The family that the page is about, where none is named. */
export const DEFAULT_FOCUS = "mixcache";

/** Numbers only; the page adds videos. */
export function reportOf(plan: Plan, cells: Cells, focus = DEFAULT_FOCUS): Report {
  const rows = tableOf(plan, cells);
  const { made, bundle, engine, num_inference_steps, unreachable, trials, groups, contestants } = plan;
  return {
    format: REPORT_FORMAT,
    made,
    bundle,
    engine,
    prompts: {
      name: plan.prompts,
      count: new Set(groups.map(({ prompt }) => prompt)).size,
      seeds: [...new Set(groups.map(({ seed }) => seed))],
    },
    num_inference_steps,
    videos: {
      planned: groups.length * (contestants.length + 1),
      there: rows.reduce((sum, { n }) => sum + n, 0),
    },
    focus,
    speed_tolerance: SPEED_TOLERANCE,
    rows,
    comparisons: compareWith(focus, rows, cells),
    unreachable,
    trials,
    by_prompt: worstFirst(cells, rows, focus),
  };
}

function worstFirst(cells: Cells, rows: readonly Row[], focus: string): PromptReport[] {
  const labels = rows.map(({ label }) => label).filter((label) => label !== REFERENCE.label);
  const inFocus = rows.filter(({ family }) => family === focus).map(({ label }) => label);
  const judged = inFocus.length > 0 ? inFocus : labels;
  const prompts = new Map<string, Record<string, { psnr: number; speedup: number }>>();
  for (const label of labels) {
    for (const [prompt, found] of Map.groupBy(cells.get(label) ?? [], ({ group }) => group.prompt))
      prompts.set(prompt, { ...prompts.get(prompt), [label]: summaryOf(found) });
  }
  const score = (of: Record<string, { psnr: number }>) =>
    mean(judged.flatMap((label) => of[label]?.psnr ?? []));
  return [...prompts]
    .map(([prompt, contestants]) => ({ prompt, contestants }))
    .sort((a, b) => score(a.contestants) - score(b.contestants));
}

function summaryOf(cells: readonly Cell[]) {
  return {
    psnr: mean(cells.map(({ result }) => result.metrics?.psnr ?? Number.NaN)),
    speedup: mean(cells.map(computedSpeedup)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
