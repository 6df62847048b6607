/** A profile in a screenful of text. */

import type { Profile } from "../engine/cache/profile.ts";

const THIRDS = 3;
const LABEL = 26;
const COLUMN = 14;

/** What was measured, by thirds of the run. */
export function profileSummary(profile: Profile): string {
  const { key, prompts, deviations, impacts, changes, magnitude_ratios, polynomials } = profile;
  const { steps } = key;
  const rows: [string, readonly string[]][] = [["", ["first third", "second", "last"]]];
  for (const [name, table] of Object.entries(deviations))
    rows.push([`deviation of ${name}`, thirds(entriesOf(table?.[0] ?? []), steps, mean)]);
  for (const [name, probed] of Object.entries(impacts)) {
    const points = probed?.steps.map((step, i): Point => [step, probed.values[i] ?? 0]) ?? [];
    rows.push([`impact of ${name}`, thirds(points, steps, mean)]);
  }
  rows.push(["change of the output", thirds(entriesOf(changes.p50), steps, mean)]);
  for (const [branch, ratios] of Object.entries(magnitude_ratios))
    rows.push([`magnitude ratio of ${branch}`, thirds(entriesOf(ratios ?? []), steps, range)]);
  const fits = Object.entries(polynomials).map(
    ([signal, { r2 }]) => `polynomial of ${signal}: R² ${r2.toFixed(3)}`,
  );
  const guidance = Object.values(key.guidance_scales).join(" and ");
  const title =
    `${prompts.count === 1 ? "1 prompt" : `${prompts.count} prompts`}, ${steps} steps of ${key.scheduler}, ` +
    `${key.width}x${key.height}x${key.frames}, guidance ${guidance}`;
  const table = rows.map(
    ([label, cells]) => label.padEnd(LABEL) + cells.map((cell) => cell.padStart(COLUMN)).join(""),
  );
  return [title, "", ...table, "", ...fits].join("\n");
}

type Point = readonly [step: number, value: number];

function entriesOf(row: readonly (number | null)[]): Point[] {
  return row.flatMap((value, step): Point[] => (value === null ? [] : [[step, value]]));
}

function thirds(
  points: readonly Point[],
  steps: number,
  say: (values: readonly number[]) => string,
): string[] {
  return Array.from({ length: THIRDS }, (_, third) => {
    const values = points.filter(([step]) => Math.floor((step * THIRDS) / steps) === third);
    return values.length > 0 ? say(values.map(([, value]) => value)) : "–";
  });
}

function mean(values: readonly number[]): string {
  return (values.reduce((sum, value) => sum + value, 0) / values.length).toPrecision(3);
}

function range(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(3)}–${Math.max(...values).toFixed(3)}`;
}
