/** Quality over speed as SVG: a curve for each family, labelled where it ends. */

import { STEP_REDUCTION } from "../contestants.ts";
import type { MetricName, Row } from "../table.ts";
import { fixed, times } from "./format.ts";
import { type Html, html } from "./html.ts";

export interface PlotOptions {
  readonly metric: {
    readonly name: MetricName;
    readonly title: string;
    readonly digits: number;
    readonly unit?: string;
  };
  readonly speed: "computed" | "real";
  /** Drawn in the accent colour, over the others. */
  readonly focus: string;
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly title: string;
}

interface Curve {
  readonly family: string;
  readonly points: readonly Point[];
}

const SIZE = { width: 372, height: 300, left: 44, right: 106, top: 30, bottom: 36 } as const;
const LABEL_GAP = 13;
const LABEL_CHARACTERS = 20;

/** Undefined where no row has both numbers. */
export function plot(rows: readonly Row[], options: PlotOptions): Html | undefined {
  const curves = curvesOf(rows, options);
  const all = curves.flatMap(({ points }) => points);
  if (all.length === 0) return undefined;
  const x = scale([1, Math.max(1.5, ...all.map((p) => p.x)) * 1.02], [SIZE.left, SIZE.width - SIZE.right]);
  const y = scale(padded(all.map((p) => p.y)), [SIZE.height - SIZE.bottom, SIZE.top]);
  const { metric, speed, focus } = options;
  const unit = metric.unit === undefined ? "" : `, ${metric.unit}`;
  const sorted = [...curves].sort((a, b) => Number(a.family === focus) - Number(b.family === focus));
  return html`<svg class="plot ${speed}" viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="group" aria-label="${metric.title} over ${speed} speedup">
<text class="name" x="0" y="12">${metric.title}${unit}</text>
${y.ticks.map((value) => html`<line class="grid" x1="${SIZE.left}" x2="${SIZE.width - SIZE.right}" y1="${n(y.at(value))}" y2="${n(y.at(value))}"/><text class="tick" x="${SIZE.left - 6}" y="${n(y.at(value) + 3.5)}" text-anchor="end">${fixed(value, y.digits)}</text>`)}
${x.ticks.map((value) => html`<text class="tick" x="${n(x.at(value))}" y="${SIZE.height - SIZE.bottom + 16}" text-anchor="middle">${times(value)}</text>`)}
<text class="tick" x="${n((SIZE.left + SIZE.width - SIZE.right) / 2)}" y="${SIZE.height - 3}" text-anchor="middle">${speed === "computed" ? "speedup in computed FLOPs" : "measured speedup of the DiT"}</text>
${sorted.map((curve) => drawCurve(curve, focus, x.at, y.at))}
${labels(curves, focus, x.at, y.at)}
</svg>`;
}

function curvesOf(rows: readonly Row[], { metric, speed }: PlotOptions): Curve[] {
  const families = Map.groupBy(rows, ({ family }) => family);
  return [...families].flatMap(([family, members]) => {
    const points = members.flatMap((row) => {
      const [x, y] = [row.speed[speed], row.metrics[metric.name]?.mean];
      if (x === undefined || y === undefined) return [];
      return [{ x, y, title: `${row.label}: ${fixed(y, metric.digits)} at ${times(x)}` }];
    });
    return points.length > 0 ? [{ family, points: points.sort((a, b) => a.x - b.x) }] : [];
  });
}

type At = (value: number) => number;

function drawCurve({ family, points }: Curve, focus: string, x: At, y: At): Html {
  const path = points.map((p, i) => `${i === 0 ? "M" : "L"}${n(x(p.x))} ${n(y(p.y))}`).join("");
  return html`<g class="${classOf(family, focus)}" data-family="${family}"><path d="${path}"/>${points.map(
    (p) => html`<circle cx="${n(x(p.x))}" cy="${n(y(p.y))}" r="3.5"><title>${p.title}</title></circle>`,
  )}</g>`;
}

function classOf(family: string, focus: string): string {
  if (family === focus) return "curve focus";
  return family === STEP_REDUCTION ? "curve baseline" : "curve";
}

/** At each curve's fast end, moved apart where they would overlap, with a thread to their curve. */
function labels(curves: readonly Curve[], focus: string, x: At, y: At): Html[] {
  const left = SIZE.width - SIZE.right + 14;
  const ends = curves.flatMap(({ family, points }) => {
    const end = points.at(-1);
    return end ? [{ family, x: x(end.x), y: y(end.y) }] : [];
  });
  const placed = spread(
    ends.sort((a, b) => a.y - b.y).map((end) => end.y),
    LABEL_GAP,
    [SIZE.top, SIZE.height - SIZE.bottom],
  );
  return ends.map((end, i) => {
    const at = placed[i] ?? end.y;
    return html`<g class="label ${classOf(end.family, focus)}" data-family="${end.family}" tabindex="0"><path d="M${n(end.x + 5)} ${n(end.y)}L${left - 3} ${n(at)}"/><text x="${left}" y="${n(at + 3.5)}">${shortened(end.family)}</text></g>`;
  });
}

/** Sorted places, moved so that neighbours are at least `gap` apart, within bounds as far as there is room. */
export function spread(
  places: readonly number[],
  gap: number,
  [low, high]: readonly [number, number],
): number[] {
  const down: number[] = [];
  for (const place of places) down.push(Math.max(place, (down.at(-1) ?? low - gap) + gap));
  const up: number[] = [];
  for (const place of down.reverse()) up.push(Math.min(place, (up.at(-1) ?? high + gap) - gap));
  return up.reverse();
}

function shortened(text: string): string {
  return text.length > LABEL_CHARACTERS ? `${text.slice(0, LABEL_CHARACTERS - 1)}…` : text;
}

function scale([from, to]: readonly [number, number], [start, end]: readonly [number, number]) {
  const step = niceStep((to - from) / 5);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks: number[] = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + 1e-9; i++) ticks.push(i * step);
  return { at: (value: number) => start + ((value - from) / (to - from)) * (end - start), ticks, digits };
}

function padded(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = 0.06 * (high - low) || 0.05 * Math.abs(high) || 1;
  return [low - pad, high + pad];
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((f) => f * power >= rough) ?? 10;
  return factor * power;
}

function n(value: number): string {
  return String(Number(value.toFixed(1)));
}
