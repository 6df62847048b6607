/** What the numbers say: a verdict for each target, and the table behind it. */

import type { PairedDifference } from "../../engine/metrics/index.ts";
import type { Comparison } from "../comparisons.ts";
import { REFERENCE } from "../contestants.ts";
import type { Report } from "../report.ts";
import { METRICS, type MetricName, type Row } from "../table.ts";
import { bytes, fixed, percent, signed, times } from "./format.ts";
import { type Html, html } from "./html.ts";

/** The metrics that decide. */
export const MAIN_METRICS = METRICS.slice(0, 3);

/** Targets in order, each with its rows; then the rows without one. */
export function sections(report: Report): { target: number | undefined; rows: Row[] }[] {
  const contestants = report.rows.filter(({ label }) => label !== REFERENCE.label);
  const groups = Map.groupBy(contestants, ({ target }) => target);
  for (const { target } of report.unreachable) if (!groups.has(target)) groups.set(target, []);
  const inOrder = [...groups].sort(([a], [b]) => (a ?? Infinity) - (b ?? Infinity));
  const psnr = ({ metrics }: Row) => metrics.psnr?.mean ?? -Infinity;
  const rank = (row: Row) => (row.family === report.focus ? Infinity : psnr(row));
  return inOrder.map(([target, rows]) => ({ target, rows: rows.sort((a, b) => rank(b) - rank(a)) }));
}

/** For each target: by how much the focus is ahead of the rival that comes nearest to it. */
export function verdicts(report: Report): Html | undefined {
  const lines = sections(report).flatMap(({ target, rows }) => {
    const mine = rows.find(({ family }) => family === report.focus);
    if (target === undefined || !mine) return [];
    const against = report.comparisons.filter(
      ({ focus, differences }) => focus === mine.label && differences,
    );
    return [
      html`<tr><th scope="row">${times(target)}</th>${MAIN_METRICS.map((m) => verdict(m, mine, against))}</tr>`,
    ];
  });
  if (lines.length === 0) return undefined;
  return html`<table class="verdict">
<thead><tr><th scope="col">at</th>${MAIN_METRICS.map(({ title }) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${lines}</tbody></table>`;
}

function verdict(
  { name, digits }: (typeof METRICS)[number],
  mine: Row,
  against: readonly Comparison[],
): Html {
  const value = html`<b>${fixed(mine.metrics[name]?.mean ?? Number.NaN, digits)}</b>`;
  const nearest = against
    .flatMap(({ rival, differences }) =>
      differences?.[name] ? [{ rival, difference: differences[name] }] : [],
    )
    .sort((a, b) => a.difference.low - b.difference.low)[0];
  if (!nearest) return html`<td>${value}<small>no rival is as fast</small></td>`;
  const { difference, rival } = nearest;
  const ahead = difference.low > 0 ? "ahead" : difference.high < 0 ? "behind" : "even";
  const words = { ahead: "ahead of all; nearest", behind: "behind", even: "not to be told from" }[ahead];
  return html`<td class="${ahead}">${value}<small>${signed(difference.mean, digits)} <i>[${signed(difference.low, digits)}, ${signed(difference.high, digits)}]</i><br>${words} ${rival}</small></td>`;
}

/** All contestants, by target. */
export function bigTable(report: Report): Html {
  const reference = report.rows.find(({ label }) => label === REFERENCE.label);
  const columns = ["computed", "measured", "of ideal", "memory", "controller", "adherence"];
  return html`<div class="wide" tabindex="0" role="region" aria-label="All contestants"><table class="big">
<thead><tr><th scope="col">contestant</th>${MAIN_METRICS.map(({ title, unit }) => html`<th scope="col">${title}${unit && `, ${unit}`}<small>mean, p10–p90</small></th>`)}${columns.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
${reference && html`<tbody>${tableRow(report, reference, [])}</tbody>`}
${sections(report).map(({ target, rows }) => section(report, target, rows))}
</table></div>`;
}

function section(report: Report, target: number | undefined, rows: readonly Row[]): Html {
  const mine = rows.find(({ family }) => family === report.focus);
  const comparisons = report.comparisons.filter(({ focus }) => focus === mine?.label);
  const out = report.unreachable.filter((one) => one.target === target);
  const title = target === undefined ? "other settings" : `tuned for ${times(target)}`;
  return html`<tbody><tr class="target"><th colspan="10" scope="rowgroup">${title}</th></tr>
${rows.map((row) => tableRow(report, row, comparisons))}
${out.map(({ family, nearest, range: [slow, fast] }) => html`<tr class="unreachable"><th scope="row">${family}</th><td colspan="9">unreachable: its dial gives ${times(slow)} to ${times(fast)}, the nearest is ${times(nearest)}</td></tr>`)}
</tbody>`;
}

function tableRow(report: Report, row: Row, comparisons: readonly Comparison[]): Html {
  const { speed, adherence } = row;
  const comparison = comparisons.find(({ rival }) => rival === row.label);
  const isFocus = row.family === report.focus;
  return html`<tr class="${isFocus ? "focus" : ""}"><th scope="row">${row.label}<small>${row.n} videos${comparison && !comparison.differences && html`<br>not compared: ${gapOf(comparison)}`}</small></th>
${MAIN_METRICS.map(({ name, digits }) => html`<td>${metricCell(row, name, digits)}${differenceOf(comparison, name, digits)}</td>`)}
<td>${times(speed.computed)}<small>${times(speed.computed_range[0])}–${times(speed.computed_range[1])}${speed.within_10_percent !== undefined && html`<br>${percent(speed.within_10_percent)} within ±10 %`}</small></td>
<td>${speed.real === undefined ? "–" : times(speed.real)}<small>${fixed(speed.denoise_ms / 1000, 2)} s</small></td>
<td>${speed.realised === undefined ? "–" : percent(speed.realised, 1)}</td>
<td>${bytes(row.cache_bytes_peak)}</td>
<td>${percent(speed.controller_share, 2)}</td>
<td>${adherence?.all === undefined ? "–" : percent(adherence.all)}</td></tr>`;
}

function gapOf({ speed_gap }: Comparison): string {
  return `${percent(Math.abs(speed_gap), 1)} ${speed_gap > 0 ? "faster" : "slower"}`;
}

function metricCell({ metrics }: Row, name: MetricName, digits: number): Html {
  const summary = metrics[name];
  if (!summary) return html`–`;
  return html`${fixed(summary.mean, digits)}<small>${fixed(summary.p10, digits)}–${fixed(summary.p90, digits)}</small>`;
}

/** How far the focus is ahead of this rival, with its interval drawn. */
function differenceOf(
  comparison: Comparison | undefined,
  name: MetricName,
  digits: number,
): Html | undefined {
  if (!comparison) return undefined;
  const difference = comparison.differences?.[name];
  if (!difference) return undefined;
  const { mean, low, high } = difference;
  const told = `${signed(mean, digits)} [${signed(low, digits)}, ${signed(high, digits)}]`;
  return html`<small class="difference">${interval(difference)} ${told}</small>`;
}

const WIDTH = 56;

/** A line from low to high around 0. */
function interval({ mean, low, high }: PairedDifference): Html | undefined {
  if (!Number.isFinite(low)) return undefined;
  const reach = Math.max(Math.abs(low), Math.abs(high)) * 1.1 || 1;
  const x = (value: number) => ((value / reach + 1) * WIDTH) / 2;
  return html`<svg class="interval" viewBox="0 0 ${WIDTH} 10" aria-hidden="true"><line class="zero" x1="${WIDTH / 2}" x2="${WIDTH / 2}" y1="0" y2="10"/><line x1="${x(low).toFixed(1)}" x2="${x(high).toFixed(1)}" y1="5" y2="5"/><circle cx="${x(mean).toFixed(1)}" cy="5" r="2.2"/></svg>`;
}
