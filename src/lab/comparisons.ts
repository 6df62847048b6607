/** Paired differences between the policy in focus and its rivals, where both are equally fast. */

import { type PairedDifference, pairedDifference } from "../engine/metrics/index.ts";
import type { Cells } from "./cells.ts";
import { REFERENCE } from "./contestants.ts";
import { METRICS, type MetricName, type Row } from "./table.ts";

/** Two contestants are compared only where their computed speedups are at most this far apart. */
export const SPEED_TOLERANCE = 0.03;

export interface Comparison {
  readonly focus: string;
  readonly rival: string;
  /** The rival's computed speedup over the focus's, less 1. */
  readonly speed_gap: number;
  /** Focus less rival; null where their speeds differ too much to compare. */
  readonly differences: Readonly<Partial<Record<MetricName, PairedDifference>>> | null;
}

/**
 * Every contestant of the focus's family against every other that has the same target, or without one the same speed.
 * Differences are over the videos that both have, with intervals over prompts.
 */
export function compareWith(family: string, rows: readonly Row[], cells: Cells): Comparison[] {
  const mine = rows.filter((row) => row.family === family);
  const others = rows.filter((row) => row.family !== family && row.label !== REFERENCE.label);
  return mine.flatMap((focus) =>
    others.flatMap((rival) => {
      const gap = rival.speed.computed / focus.speed.computed - 1;
      const close = Math.abs(gap) <= SPEED_TOLERANCE;
      const wanted = close || (focus.target !== undefined && focus.target === rival.target);
      if (!wanted) return [];
      const differences = close ? differencesOf(focus.label, rival.label, cells) : null;
      return [{ focus: focus.label, rival: rival.label, speed_gap: gap, differences }];
    }),
  );
}

function differencesOf(focus: string, rival: string, cells: Cells): Comparison["differences"] {
  const theirs = new Map((cells.get(rival) ?? []).map((cell) => [cell.group, cell.result]));
  const found = METRICS.flatMap(({ name }) => {
    const pairs = (cells.get(focus) ?? []).flatMap(({ group, result }) => {
      const [a, b] = [result.metrics?.[name], theirs.get(group)?.metrics?.[name]];
      return typeof a === "number" && typeof b === "number" ? [{ cluster: group.prompt, a, b }] : [];
    });
    return pairs.length > 0 ? [[name, pairedDifference(pairs)] as const] : [];
  });
  return Object.fromEntries(found);
}
