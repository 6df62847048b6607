/** What a benchmark of models found: a row per contestant, as Markdown and as JSON. */

import { quantile } from "../../src/engine/metrics/statistics.ts";
import { median } from "../engine/stats.ts";
import type { Errors, Job, Timing } from "./contestant.ts";

/** Times of a contestant's videos, in the order of the rounds. */
export interface Timings {
  readonly name: string;
  readonly timings: readonly Timing[];
  readonly errors: Errors;
}

export interface Row {
  readonly name: string;
  /** Median, fastest and slowest. */
  readonly secondsPerStep: readonly [number, number, number];
  /** Median over the rounds of this one's time / diffusers' time in the same round. */
  readonly ratio: number;
  readonly ratioQuartiles: readonly [number, number];
  /** CPU seconds a step, and its ratio: what other work on the machine spoils less. */
  readonly cpuSecondsPerStep: number | undefined;
  readonly cpuRatio: number | undefined;
  /** Text, all steps and decoding. */
  readonly secondsPerVideo: number;
  readonly errors: Errors;
}

/** @param reference the timings of diffusers, round by round */
export function rowOf({ name, timings, errors }: Timings, reference: readonly Timing[], job: Job): Row {
  const perStep = (values: readonly number[]) => values.map((ms) => ms / 1000 / job.steps);
  const wall = perStep(timings.map(({ denoiseMs }) => denoiseMs));
  const ratios = timings.map(({ denoiseMs }, i) => denoiseMs / (reference[i]?.denoiseMs ?? Number.NaN));
  const cpu = timings.flatMap(({ cpuMs }) => (cpuMs === undefined ? [] : [cpuMs]));
  const cpuRatios = timings.map(({ cpuMs = Number.NaN }, i) => cpuMs / (reference[i]?.cpuMs ?? Number.NaN));
  const whole = timings.length > 0 && cpu.length === timings.length;
  return {
    name,
    secondsPerStep: [median(wall), Math.min(...wall), Math.max(...wall)],
    ratio: median(ratios),
    ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    cpuSecondsPerStep: whole ? median(perStep(cpu)) : undefined,
    cpuRatio: whole ? median(cpuRatios) : undefined,
    secondsPerVideo: median(timings.map((t) => (t.textMs + t.denoiseMs + t.decodeMs) / 1000)),
    errors,
  };
}

/** A Markdown table. */
export function markdown(rows: readonly Row[]): string {
  const head = [
    "engine",
    "s/step (fastest to slowest)",
    "time / diffusers (quartiles)",
    "CPU s/step",
    "CPU time / diffusers",
    "s/video",
    "largest error of the latents",
    "relative error",
    "PSNR of the frames",
  ];
  const optional = (value: number | undefined) => (value === undefined ? "–" : value.toFixed(2));
  const cells = rows.map((row) => [
    row.name,
    `${row.secondsPerStep[0].toFixed(2)} (${row.secondsPerStep[1].toFixed(2)} to ${row.secondsPerStep[2].toFixed(2)})`,
    `${row.ratio.toFixed(2)} (${row.ratioQuartiles.map((q) => q.toFixed(2)).join(" to ")})`,
    optional(row.cpuSecondsPerStep),
    optional(row.cpuRatio),
    row.secondsPerVideo.toFixed(1),
    row.errors.largest.toExponential(1),
    row.errors.relative.toExponential(1),
    Number.isFinite(row.errors.psnr) ? `${row.errors.psnr.toFixed(1)} dB` : "same levels",
  ]);
  const line = (entries: readonly string[]) => `| ${entries.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...cells.map(line)].join("\n");
}
