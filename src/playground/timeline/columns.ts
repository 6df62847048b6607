/** The timeline of a run's decisions: a column for each step, in words and numbers that a person can read. */

import type { TraceFile } from "../../engine/trace-schema.ts";

/** What was done in a step, as the page tells kinds apart. Every policy's own word falls into one. */
export type StepKind = "full" | "step" | "cfg" | "block" | "modules";

/** A step as it is known: while a video is made less than its trace tells afterwards. */
export type StepFacts = Pick<TraceFile["steps"][number], "index" | "mode" | "flops" | "full_flops"> &
  Partial<TraceFile["steps"][number]>;

export interface Detail {
  readonly name: string;
  readonly value: string;
}

export interface Column {
  readonly index: number;
  readonly kind: StepKind;
  /** Of the step's work, 0 to 1: what was computed. */
  readonly computed: number;
  /** The step in one sentence, for a screen reader. */
  readonly label: string;
  readonly title: string;
  readonly details: readonly Detail[];
}

/** Names of kinds, in the order of a legend. */
export const KINDS: Readonly<Record<StepKind, { readonly name: string; readonly meaning: string }>> = {
  full: { name: "Full", meaning: "Everything is computed." },
  block: { name: "Block", meaning: "The outer blocks are computed, the inner ones reused." },
  cfg: { name: "CFG", meaning: "One branch is computed; the difference that guidance makes is reused." },
  modules: { name: "Modules", meaning: "Everything but some modules, such as attention, is computed." },
  step: { name: "Step", meaning: "Nothing is computed: the whole step is predicted." },
};

/** @param mode a policy's word; @param computed the share of the step's work */
export function kindOf(mode: string, computed: number): StepKind {
  if (computed >= 1) return "full";
  if (computed === 0) return "step";
  if (mode === "cfg" || mode === "mixed") return "cfg";
  if (mode === "block" || mode === "step") return "block";
  return "modules";
}

/** @param steps how many the run has, of which some may not be done yet */
export function columnsOf(facts: readonly StepFacts[], steps: number): Column[] {
  return facts.map((step) => {
    const computed = step.full_flops > 0 ? step.flops / step.full_flops : 1;
    const kind = kindOf(step.mode, computed);
    const title = `Step ${step.index + 1} of ${steps}`;
    return {
      index: step.index,
      kind,
      computed,
      title,
      label: `${title}: ${KINDS[kind].name.toLowerCase()}, ${percent(computed)} computed`,
      details: detailsOf(step, computed),
    };
  });
}

/** Names that policies use often, in plain words. */
const WORDS: Readonly<Record<string, string>> = {
  lag: "Steps since computed",
  budget: "Budget left, in full steps",
};

function detailsOf(step: StepFacts, computed: number): Detail[] {
  const known: readonly (readonly [string, string | undefined])[] = [
    ["Computed", percent(computed)],
    ["Decision", step.mode],
    ["Noise level", number(step.sigma)],
    ["Margin to another decision", number(step.margin)],
    ["How wrong reuse would have been", number(step.deviation)],
    ...Object.entries(step.values ?? {}).map(([name, value]) => [wordOf(name), number(value)] as const),
    ["Time", step.duration_ms === undefined ? undefined : milliseconds(step.duration_ms)],
    ["Of that, the cache's own", step.policy_ms === undefined ? undefined : milliseconds(step.policy_ms)],
    ...(step.branches ?? []).map(
      ({ branch, plan }) => [branch === "cond" ? "With the prompt" : "Without the prompt", plan] as const,
    ),
  ];
  return known.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

function wordOf(name: string): string {
  const score = /^score_(.+)$/.exec(name)?.[1];
  return WORDS[name] ?? (score === undefined ? name.replaceAll("_", " ") : `Score of reusing by ${score}`);
}

/** How many steps of each kind, of those that there are. */
export function countsOf(columns: readonly Column[]): readonly (readonly [StepKind, number])[] {
  return (Object.keys(KINDS) as StepKind[]).flatMap((kind) => {
    const count = columns.filter((column) => column.kind === kind).length;
    return count > 0 ? [[kind, count] as const] : [];
  });
}

/** Of all steps' work, 0 to 1: what was not computed. */
export function savedOf(facts: readonly Pick<StepFacts, "flops" | "full_flops">[]): number {
  const sum = (field: "flops" | "full_flops") => facts.reduce((total, step) => total + step[field], 0);
  const full = sum("full_flops");
  return full > 0 ? 1 - sum("flops") / full : 0;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Three digits that matter. */
function number(value: number | null | undefined): string | undefined {
  if (value === null || value === undefined) return undefined;
  return value !== 0 && Math.abs(value) < 0.001
    ? value.toExponential(1)
    : String(Number(value.toPrecision(3)));
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
