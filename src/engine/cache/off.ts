/** No caching: every branch of every step is computed. */

import type { BranchPlan, CachePolicy } from "./contract.ts";

const FULL: BranchPlan = { kind: "full" };

export const off: CachePolicy = {
  name: "off",
  requires: { keep: [], signals: [], cuts: [] },
  start: ({ branches }) => {
    const plan = {
      kind: "run",
      branches: Object.fromEntries(branches.map((branch) => [branch, FULL])),
    } as const;
    return { plan: () => plan, measureAfter: () => [], observe: () => undefined, event: () => {} };
  },
};
