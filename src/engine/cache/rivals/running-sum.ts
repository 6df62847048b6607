/**
 * The trigger that TeaCache, EasyCache and DiCache share: changes from step to step are added up, and as soon as the
 * sum is no longer below a threshold, a step is computed and the sum starts anew.
 */

import type { Branch, BranchPlan } from "../contract.ts";
import { marginOf, type Verdict } from "./branchwise.ts";

export class RunningSum {
  readonly #threshold: number;
  #sum = 0;

  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  /** A step was computed for another reason. */
  reset(): void {
    this.#sum = 0;
  }

  /** Adds the change of this step, and reuses while the sum stays below the threshold. */
  judge(change: number, reuse: (branch: Branch) => BranchPlan): Verdict {
    this.#sum += change;
    const sum = this.#sum;
    const below = sum < this.#threshold;
    if (!below) this.reset();
    return { ...(below && { reuse }), values: { sum }, margin: marginOf(sum, this.#threshold) };
  }
}
