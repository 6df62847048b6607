/** The results of an experiment, put beside what they are results of. */

import { REFERENCE } from "./contestants.ts";
import type { Group, Plan } from "./plan.ts";
import type { Result } from "./result.ts";
import { digestIn } from "./run.ts";
import type { Store } from "./store.ts";

/** One contestant's video of one prompt and seed, and the uncached one. */
export interface Cell {
  readonly group: Group;
  readonly result: Result;
  readonly reference: Result;
}

/** Cells by the contestant's label; groups that are not done yet are missing. */
export type Cells = ReadonlyMap<string, readonly Cell[]>;

/** Reads what there is of a plan. */
export async function collect(plan: Plan, store: Store): Promise<Cells> {
  const labels = [REFERENCE, ...plan.contestants].map(({ label }) => label);
  const cells = new Map<string, Cell[]>(labels.map((label) => [label, []]));
  for (const group of plan.groups) {
    const reference = await store.read(group.reference);
    if (!reference) continue;
    for (const [label, found] of cells) {
      const digest = digestIn(group, label);
      const result = digest === group.reference ? reference : await store.read(digest);
      if (result) found.push({ group, result, reference });
    }
  }
  return cells;
}

/** How many times fewer FLOPs the video took than the uncached one with all its steps. */
export function computedSpeedup({ result, reference }: Cell): number {
  return reference.flops / result.flops;
}
