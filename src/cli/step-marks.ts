/** One character for each step: what of it was computed. */

import type { FinishedStep } from "../engine/progress.ts";

interface Marks {
  readonly full: string;
  /** The whole step was predicted: nothing ran. */
  readonly step: string;
  /** Of the two branches of guidance one ran. */
  readonly cfg: string;
  /** Some blocks or modules ran. */
  readonly block: string;
  readonly toCome: string;
}

const UNICODE: Marks = { full: "█", step: "▪", cfg: "▌", block: "▒", toCome: "─" };
const ASCII: Marks = { full: "#", step: ".", cfg: "c", block: "b", toCome: "-" };

export function marksOf(unicode: boolean): Marks {
  return unicode ? UNICODE : ASCII;
}

/** Policies have words of their own for the rest; what it cost decides then. */
function markOf({ mode, flops, fullFlops }: FinishedStep, marks: Marks): string {
  if (mode === "cfg") return marks.cfg;
  if (flops >= fullFlops) return marks.full;
  return flops === 0 ? marks.step : marks.block;
}

/** All steps of a run in a row; of a long run the newest that fit. */
export function stepRow(
  finished: readonly FinishedStep[],
  steps: number,
  width: number,
  unicode: boolean,
): string {
  const marks = marksOf(unicode);
  const done = finished.map((step) => markOf(step, marks)).join("");
  const row = done + marks.toCome.repeat(Math.max(0, steps - finished.length));
  if (row.length <= width) return row;
  return width > 0 ? done.slice(-width) : "";
}

/** How many times less was computed so far than without a cache; empty where nothing was saved. */
export function speedSoFar(finished: readonly FinishedStep[]): string {
  const sum = (of: "flops" | "fullFlops") => finished.reduce((total, step) => total + step[of], 0);
  const speedup = sum("fullFlops") / sum("flops");
  return speedup > 1.005 && Number.isFinite(speedup) ? `${speedup.toFixed(1)}x` : "";
}
