/** One row for each contestant: quality, speed, memory, and what the controller itself costs. */

import { quantile, type Summary, summarize } from "../engine/metrics/index.ts";
import { type Cell, type Cells, computedSpeedup } from "./cells.ts";
import { type Contestant, REFERENCE } from "./contestants.ts";
import type { Plan } from "./plan.ts";
import type { Metrics } from "./result.ts";

export type MetricName = keyof Metrics;

/** In the order in which people should see them. */
export const METRICS: readonly { name: MetricName; title: string; digits: number; unit?: string }[] = [
  { name: "psnr", title: "PSNR", digits: 2, unit: "dB" },
  { name: "ssim", title: "SSIM", digits: 4 },
  { name: "haarpsi", title: "HaarPSI", digits: 4 },
  { name: "gmsd", title: "GMSD", digits: 4 },
  { name: "psnr_temporal", title: "temporal PSNR", digits: 2, unit: "dB" },
  { name: "psnr_video", title: "PSNR of the whole video", digits: 2, unit: "dB" },
  { name: "sharpness_ratio", title: "sharpness", digits: 3 },
];

export interface Row {
  readonly label: string;
  readonly family: string;
  readonly target?: number;
  /** Videos. */
  readonly n: number;
  /** Empty for the uncached run. */
  readonly metrics: Readonly<Partial<Record<MetricName, Summary>>>;
  readonly speed: Speed;
  /** Largest of all videos. */
  readonly cache_bytes_peak: number;
  /** Share of videos in which each attribute is what the prompt asked for, 0 to 1. */
  readonly adherence?: Readonly<Record<string, number>>;
}

export interface Speed {
  /** FLOPs of the uncached videos over those of these. */
  readonly computed: number;
  /** p10 and p90 over the videos. */
  readonly computed_range: readonly [number, number];
  /** Median over the videos of the uncached run's DiT time over this one's, in the same sitting; absent if not timed. */
  readonly real?: number;
  /** real / computed. */
  readonly realised?: number;
  /** Milliseconds of the DiT, median. */
  readonly denoise_ms: number;
  /** The policy's own time a step over an uncached step's time, median. */
  readonly controller_share: number;
  /** How well a speed that was asked for is met in computed FLOPs. */
  readonly target_error?: number;
  /** Share of the prompts within ±10 % of it. */
  readonly within_10_percent?: number;
}

/** A row for the reference and for each contestant of which there are videos. */
export function tableOf(plan: Plan, cells: Cells): Row[] {
  return [REFERENCE, ...plan.contestants].flatMap((who) => {
    const found = cells.get(who.label) ?? [];
    return found.length > 0 ? [rowOf(who, found, plan.timed)] : [];
  });
}

function rowOf({ label, family, target }: Contestant, cells: readonly Cell[], timed: boolean): Row {
  const metrics = METRICS.flatMap(({ name }) => {
    const values = cells.flatMap(({ result }) => result.metrics?.[name] ?? []);
    return values.length > 0 ? [[name, summarize(values)] as const] : [];
  });
  const adherence = adherenceOf(cells);
  return {
    label,
    family,
    ...(target !== undefined && { target }),
    n: cells.length,
    metrics: Object.fromEntries(metrics),
    speed: speedOf(cells, timed, target),
    cache_bytes_peak: Math.max(...cells.map(({ result }) => result.cache_bytes_peak)),
    ...(adherence && { adherence }),
  };
}

function speedOf(cells: readonly Cell[], timed: boolean, target: number | undefined): Speed {
  const speedups = cells.map(computedSpeedup);
  const computed = sum(cells, ({ reference }) => reference.flops) / sum(cells, ({ result }) => result.flops);
  const real = timed
    ? median(
        cells.map(({ result }) => (result.reference?.denoise_ms ?? result.denoise_ms) / result.denoise_ms),
      )
    : undefined;
  return {
    computed,
    computed_range: [quantile(speedups, 0.1), quantile(speedups, 0.9)],
    ...(real !== undefined && { real, realised: real / computed }),
    denoise_ms: median(cells.map(({ result }) => result.denoise_ms)),
    controller_share: median(cells.map(controllerShare)),
    ...(target !== undefined && {
      target_error: computed / target - 1,
      within_10_percent: share(speedups, (speedup) => Math.abs(speedup / target - 1) <= 0.1),
    }),
  };
}

function controllerShare({ result, reference }: Cell): number {
  const fullStepMs = (result.reference?.denoise_ms ?? reference.denoise_ms) / reference.steps.mode.length;
  return result.policy_ms / result.steps.mode.length / fullStepMs;
}

function adherenceOf(cells: readonly Cell[]): Row["adherence"] {
  const judged = cells.flatMap(({ result }) => (result.adherence ? [result.adherence] : []));
  const names = Object.keys(judged[0] ?? {});
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((name) => [name, share(judged, (flags) => flags[name] === true)]));
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function share<T>(items: readonly T[], is: (item: T) => boolean): number {
  return items.filter(is).length / items.length;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
