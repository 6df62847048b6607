/** How far each policy's dial reaches: every trial of the tuning, on one axis of speed. */

import type { Trial, Unreachable } from "../contestants.ts";
import type { Report } from "../report.ts";
import { plural, times } from "./format.ts";
import { type Html, html } from "./html.ts";

const SIZE = { width: 760, row: 22, left: 190, right: 20, top: 26 } as const;

/** Undefined where nothing was tuned. */
export function reach({ trials, unreachable, rows, focus }: Report): Html | undefined {
  if (trials.length === 0) return undefined;
  const families = [...Map.groupBy(trials, ({ family }) => family)];
  const fastest = Math.max(...trials.map(({ speedup }) => speedup));
  const x = (speedup: number) => at(speedup, fastest).toFixed(1);
  const targets = [...new Set(rows.flatMap(({ target }) => target ?? []))].sort((a, b) => a - b);
  const height = SIZE.top + families.length * SIZE.row + 6;
  return html`<section><h2>What each dial reaches</h2>
<p class="soft">Each dot is a trial on the tuning prompts, by computed FLOPs. Nothing else decided which settings take part. ${sentence(unreachable)}</p>
<div class="wide"><svg class="reach" viewBox="0 0 ${SIZE.width} ${height}" role="img" aria-label="Speedups of all trials">
${targets.map((target) => html`<line class="grid" x1="${x(target)}" x2="${x(target)}" y1="18" y2="${height}"/><text x="${x(target)}" y="12" text-anchor="middle">${times(target)}</text>`)}
${families.map(([family, members], i) => row(family, members, SIZE.top + (i + 0.5) * SIZE.row, x, family === focus))}
</svg></div></section>`;
}

function row(
  family: string,
  members: readonly Trial[],
  y: number,
  x: (speedup: number) => string,
  isFocus: boolean,
): Html {
  const sorted = [...members].sort((a, b) => a.speedup - b.speedup);
  const [slowest, fastest] = [sorted[0]?.speedup ?? 1, sorted.at(-1)?.speedup ?? 1];
  return html`<g class="curve${isFocus && " focus"}"><text x="0" y="${y + 4}">${family}</text><path d="M${x(slowest)} ${y}L${x(fastest)} ${y}"/>${sorted.map(({ dial, speedup }) => html`<circle cx="${x(speedup)}" cy="${y}" r="3"><title>${family} at ${dial}: ${times(speedup, 3)}</title></circle>`)}</g>`;
}

function at(speedup: number, fastest: number): number {
  const width = SIZE.width - SIZE.left - SIZE.right;
  return SIZE.left + ((speedup - 1) / Math.max(1e-9, fastest - 1)) * width;
}

function sentence(unreachable: readonly Unreachable[]): string {
  if (unreachable.length === 0) return "Every policy reaches every target.";
  const missed = unreachable.map(({ family, target }) => `${family} ${times(target)}`);
  return `Unreachable: ${missed.join(", ")} (${plural(missed.length, "case")}).`;
}
