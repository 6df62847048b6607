/**
 * The frame of every policy that says, of each branch in each step, either “in full” or “reuse”. A policy brings the
 * rule; the frame asks the branches one after the other, plans, explains, and begins anew with every denoiser.
 */

import type {
  Branch,
  BranchPlan,
  Decision,
  DenoiserInfo,
  Measurement,
  PolicyRun,
  ReusablePart,
  RunInfo,
  StepPlan,
} from "../contract.ts";
import { denoiserAt } from "../denoiser-at.ts";

/** What a rule says of one branch in one step. */
export interface Verdict {
  /** What the branch does instead of running; absent: it runs in full. */
  readonly reuse?: (branch: Branch) => BranchPlan;
  /** For the trace. */
  readonly values?: Readonly<Record<string, number>>;
  /** How far the measured scalars were from another verdict, relative to the threshold. */
  readonly margin?: number;
}

/** A rule that has to know more: the branch runs up to a cut, if there is one, and distances are taken. */
export interface Question {
  readonly cut?: number;
  readonly measure: readonly Measurement[];
  readonly answer: (scalars: readonly number[]) => Verdict | Question;
}

/** Asked in the order of steps, except for the first of its denoiser: there is nothing yet that could be reused. */
export type Rule = (step: number) => Verdict | Question;

export interface Branchwise {
  /** What a step is called in the trace in which every branch reuses. */
  readonly mode: string;
  /** True: one rule, asked for `cond`, speaks for all branches, so that they never part. */
  readonly together: boolean;
  /** A fresh rule, as a denoiser takes over. */
  readonly rule: (branch: Branch, denoiser: DenoiserInfo) => Rule;
}

/** The verdict of a step that is computed without a look at any scalar. */
export const COMPUTE: Verdict = {};

/** In full. */
const FULL: BranchPlan = { kind: "full" };

/** The newest kept result as it is. */
export function again(part: ReusablePart): (branch: Branch) => BranchPlan {
  return (branch) => ({
    kind: "reuse",
    part,
    prediction: { terms: [{ part, branch, age: 0, coefficient: 1 }] },
  });
}

/** The distance of a scalar from its threshold, relative to the threshold. */
export function marginOf(scalar: number, threshold: number): number {
  return Math.abs(scalar - threshold) / threshold;
}

/** A number of steps that was published for runs of 50, for a run of another length; at least 1. */
export function ofFifty(published: number, steps: number): number {
  return Math.max(1, Math.round((published * steps) / 50));
}

/** One run by a rule. A `denoiser_switch` makes all rules anew. */
export function branchwise(run: RunInfo, { mode, together, rule }: Branchwise): PolicyRun {
  const serving = (step: number) => denoiserAt(run, step);
  const rulesOf = (denoiser: DenoiserInfo) =>
    denoiser.branches
      .filter((branch) => !together || branch === "cond")
      .map((branch) => ({ branch, rule: rule(branch, denoiser) }));
  let rules = rulesOf(serving(0));
  return {
    plan({ index }) {
      const { branches, steps } = serving(index);
      if (index === steps[0]) return planOf(mode, branches, []);
      const ask = ([next, ...others]: typeof rules, verdicts: readonly Judged[]): StepPlan => {
        if (!next) return planOf(mode, branches, verdicts);
        const { branch } = next;
        const hear = (reply: Verdict | Question): StepPlan => {
          if (!("answer" in reply)) return ask(others, [...verdicts, { branch, ...reply }]);
          const { answer, ...probe } = reply;
          return { kind: "probe", branch, ...probe, decide: (scalars) => hear(answer(scalars)) };
        };
        return hear(next.rule(index));
      };
      return ask(rules, []);
    },
    measureAfter: () => [],
    observe: () => undefined,
    event: ({ step }) => {
      rules = rulesOf(serving(step));
    },
  };
}

type Judged = Verdict & { readonly branch: Branch };

function planOf(mode: string, branches: readonly Branch[], verdicts: readonly Judged[]): StepPlan {
  const plans = branches.map((branch): [Branch, BranchPlan] => {
    // A rule that speaks for all is the only one.
    const verdict = verdicts.find((judged) => judged.branch === branch) ?? verdicts[0];
    return [branch, verdict?.reuse?.(branch) ?? FULL];
  });
  const reused = plans.filter(([, { kind }]) => kind !== "full").length;
  return {
    kind: "run",
    branches: Object.fromEntries(plans),
    decision: {
      mode: reused === 0 ? "full" : reused === plans.length ? mode : "mixed",
      ...explained(verdicts),
    },
  };
}

/** Values bear the branch's name where several were judged. */
function explained(verdicts: readonly Judged[]): Pick<Decision, "values" | "margin"> {
  const values = verdicts.flatMap(({ branch, values = {} }) =>
    Object.entries(values).map(([name, value]) => [verdicts.length > 1 ? `${branch}_${name}` : name, value]),
  );
  const margins = verdicts.flatMap(({ margin }) => (margin === undefined ? [] : [margin]));
  return {
    ...(values.length > 0 && { values: Object.fromEntries(values) }),
    ...(margins.length > 0 && { margin: Math.min(...margins) }),
  };
}
