/** What the numbers say: a verdict for each target, and the table behind it. */

import { type PairedDifference, sharpnessAlarm } from "../../engine/metrics/index.ts";
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
  const first = Number.MAX_VALUE;
  const rank = (row: Row) => (row.family === report.focus ? first : psnr(row));
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
  const compared = against.flatMap(({ rival, differences }) =>
    differences?.[name] ? [{ rival, ...differences[name] }] : [],
  );
  const [nearest] = compared.toSorted((a, b) => a.mean - b.mean);
  if (!nearest) return html`<td>${value}<small>no rival is as fast</small></td>`;
  const open = compared.filter(({ low }) => low <= 0).length;
  const words =
    open === 0
      ? `ahead of all ${compared.length}; nearest ${nearest.rival}`
      : `${nearest.high < 0 ? "behind" : "nearest"} ${nearest.rival}; ahead of ${compared.length - open} of ${compared.length}`;
  return html`<td class="${open === 0 ? "ahead" : ""}">${value}<small>${signed(nearest.mean, digits)} <i>[${signed(nearest.low, digits)}, ${signed(nearest.high, digits)}]</i><br>${words}</small></td>`;
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
  const mine = rows.filter(({ family }) => family === report.focus).map(({ label }) => label);
  const comparisons = report.comparisons.filter(({ focus }) => mine.includes(focus));
  const out = report.unreachable.filter((one) => one.target === target);
  const title = target === undefined ? "other settings" : `tuned for ${times(target)}`;
  return html`<tbody><tr class="target"><th colspan="10" scope="rowgroup">${title}</th></tr>
${rows.map((row) => tableRow(report, row, comparisons))}
${out.map(({ family, nearest, range: [slow, fast] }) => html`<tr class="unreachable"><th scope="row">${family}</th><td colspan="9">unreachable: its dial gives ${times(slow)} to ${times(fast)}, the nearest is ${times(nearest)}</td></tr>`)}
</tbody>`;
}

function tableRow(report: Report, row: Row, comparisons: readonly Comparison[]): Html {
  const { speed, adherence } = row;
  const all = comparisons.filter(({ rival }) => rival === row.label);
  const comparison = all.find(({ differences }) => differences) ?? all[0];
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

const WIDTH = 40;

/** A line from low to high, and where 0 is. */
function interval({ mean, low, high }: PairedDifference): Html | undefined {
  if (!Number.isFinite(low)) return undefined;
  const [from, to] = [Math.min(0, low), Math.max(0, high)];
  const x = (value: number) => (3 + ((value - from) / (to - from || 1)) * (WIDTH - 6)).toFixed(1);
  return html`<svg class="interval" viewBox="0 0 ${WIDTH} 10" aria-hidden="true"><line class="zero" x1="${x(0)}" x2="${x(0)}" y1="0" y2="10"/><line x1="${x(low)}" x2="${x(high)}" y1="5" y2="5"/><circle cx="${x(mean)}" cy="5" r="2.2"/></svg>`;
}

/** The means of every metric, the blur alarm among them. */
export function metricsTable({ rows }: Report): Html {
  const shown = rows.filter(({ metrics }) => metrics.psnr);
  return html`<details><summary>Every metric</summary><div class="wide" tabindex="0" role="region" aria-label="Every metric"><table class="big">
<thead><tr><th scope="col">contestant</th>${METRICS.map(({ title, unit }) => html`<th scope="col">${title}${unit && `, ${unit}`}</th>`)}</tr></thead>
<tbody>${shown.map(({ label, metrics }) => html`<tr><th scope="row">${label}</th>${METRICS.map(({ name, digits }) => html`<td>${metrics[name] ? fixed(metrics[name].mean, digits) : "–"}${name === "sharpness_ratio" && blurred(metrics[name]?.mean)}</td>`)}</tr>`)}</tbody></table></div></details>`;
}

function blurred(ratio: number | undefined): Html | undefined {
  return ratio !== undefined && sharpnessAlarm(ratio)
    ? html`<small>${ratio < 1 ? "blurred" : "too sharp"}</small>`
    : undefined;
}
