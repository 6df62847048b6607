/** Rows of usage as bars of a chart. */

import type { Usage, UsageRow } from "./calls.ts";

/** What a chart may be of. Amounts are exact in the table; a bar's height needs no more than a number. */
export const MEASURE_NAMES = {
  amount: "Cost",
  videos: "Videos",
  tflop: "TFLOP",
  engine: "Engine seconds",
} as const;

export type MeasureName = keyof typeof MEASURE_NAMES;

const MEASURES: Readonly<Record<MeasureName, (row: UsageRow) => number>> = {
  amount: ({ amount }) => Number(amount),
  videos: ({ videos }) => videos,
  tflop: ({ flops }) => Number(flops) / 1e12,
  engine: ({ engine_seconds }) => Number(engine_seconds),
};

export interface Bar {
  readonly label: string;
  readonly value: number;
}

const DAY_MS = 86_400_000;

/** What a row is about, for people. */
export function nameOf({ day, key, model }: UsageRow): string {
  return day ?? key ?? model ?? "operator";
}

/** One bar for each row; of days also for those on which nothing was used. */
export function barsOf({ data, group_by, from, to }: Usage, measure: MeasureName): readonly Bar[] {
  const of = MEASURES[measure];
  const bars = data.map((row) => ({ label: nameOf(row), value: of(row) }));
  if (group_by[0] !== "day") return bars;
  const values = new Map(bars.map(({ label, value }) => [label, value]));
  const count = Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS) + 1;
  return Array.from({ length: count }, (_, i) => {
    const label = new Date(Date.parse(from) + i * DAY_MS).toISOString().slice(0, 10);
    return { label, value: values.get(label) ?? 0 };
  });
}
