/**
 * Which granularity a step reuses. MixCache: the least penalty P = D · I, and ×5 for what the cached step before has
 * reused, so that errors of one kind don't pile up. The cost-aware form is ours: the least P for the time saved.
 */

import type { Granularity } from "./granularity.ts";

export type DecisionRule = "penalty" | "cost_aware";

export interface Candidate {
  readonly granularity: Granularity;
  /** P without the factor for repeating: the expected error at the end. */
  readonly error: number;
  /** Of the step, in full steps. */
  readonly cost: number;
}

export interface Choice extends Candidate {
  /** What was compared, by granularity. */
  readonly scores: Readonly<Partial<Record<Granularity, number>>>;
}

/** The candidate with the least score; of equal ones the first. There is at least one. */
export function choose(
  candidates: readonly Candidate[],
  rule: DecisionRule,
  repeatPenalty: number,
  before: Granularity | undefined,
): Choice {
  const score = ({ granularity, error, cost }: Candidate) => {
    const penalty = error * (granularity === before ? repeatPenalty : 1);
    return rule === "cost_aware" ? penalty / (1 - cost) : penalty;
  };
  const scores: Partial<Record<Granularity, number>> = {};
  let best: Candidate | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const own = score(candidate);
    scores[candidate.granularity] = own;
    if (best && !(own < least)) continue;
    best = candidate;
    least = own;
  }
  if (!best) throw new RangeError("a choice needs at least one candidate");
  return { ...best, scores };
}
