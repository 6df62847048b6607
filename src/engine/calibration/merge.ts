/** The measurements of all prompts, put together as a profile. */

import type { Branch } from "../cache/contract.ts";
import { PROFILE_FORMAT, type Profile, type ProfileKey } from "../cache/profile.ts";
import { quantile } from "../metrics/statistics.ts";
import type { Measured, MeasuredBranch } from "./measured.ts";
import { fitPolynomial } from "./polynomial.ts";

/** Powers of TeaCache's polynomial. */
const DEGREE = 4;

type Row = readonly (number | null)[];

/**
 * Puts a profile together.
 * @param measured of every prompt, all with the settings of the key; at least one. Impacts may be missing in some.
 */
export function mergeMeasured(
  key: ProfileKey,
  prompts: Profile["prompts"],
  measured: readonly Measured[],
): Profile {
  const range = measured[0]?.block_range;
  return {
    format: PROFILE_FORMAT,
    key,
    prompts,
    magnitude_ratios: magnitudeRatios(measured),
    polynomials: polynomials(measured),
    reuse_costs: reuseCosts(measured),
    ...(range && { block_range: range }),
    deviations: byGranularity((granularity) => meanTables(measured.map((of) => of.deviations[granularity]))),
    held_deviations: byGranularity((granularity) =>
      meanTables(measured.map((of) => of.held_deviations[granularity])),
    ),
    deviation_quantiles: quantiles(measured.map((of) => of.deviations.step?.[0] ?? [])),
    changes: quantiles(measured.map((of) => of.changes)),
    impacts: byGranularity((granularity) => impacts(measured, granularity)),
  };
}

/** Five digits say all that a decision needs. */
function short(value: number): number {
  return Number(value.toPrecision(5));
}

/** A polynomial's terms nearly cancel each other, so that they need more. */
function long(value: number): number {
  return Number(value.toPrecision(12));
}

function mean(values: readonly number[]): number {
  return short(values.reduce((sum, value) => sum + value, 0) / values.length);
}

/** Column by column what a function makes of the values there; null where there are none. */
function perColumn(rows: readonly Row[], of: (values: readonly number[]) => number): (number | null)[] {
  const length = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length }, (_, column) => {
    const values = rows.flatMap((row) => row[column] ?? []);
    return values.length > 0 ? of(values) : null;
  });
}

/** Rows without gaps: a branch has all steps, a row of costs ends where nothing more was measured. */
function means(rows: readonly Row[]): number[] {
  return perColumn(rows, mean).filter((value) => value !== null);
}

function quantiles(rows: readonly Row[]): Profile["changes"] {
  const at = (share: number) => perColumn(rows, (values) => short(quantile(values, share)));
  return { p10: at(0.1), p50: at(0.5), p90: at(0.9) };
}

function ofBranch(measured: readonly Measured[], branch: Branch): MeasuredBranch[] {
  return measured.flatMap(({ branches }) => branches[branch] ?? []);
}

function magnitudeRatios(measured: readonly Measured[]): Profile["magnitude_ratios"] {
  const of = (branch: Branch) => means(ofBranch(measured, branch).map((one) => one.magnitude_ratios));
  const uncond = of("uncond");
  return { cond: of("cond"), ...(uncond.length > 0 && { uncond }) };
}

/** One for each signal, over the steps of all prompts and branches: x the signal's change, y the stack residual's. */
function polynomials(measured: readonly Measured[]): Profile["polynomials"] {
  const runs = measured.flatMap(({ branches }) => Object.values(branches));
  const signals = Object.keys(runs[0]?.signal_changes ?? {});
  const fits = signals.flatMap((signal): [string, Profile["polynomials"][string]][] => {
    const points = runs.flatMap(({ signal_changes, stack_changes }) =>
      stack_changes.flatMap((y, step): [number, number][] => {
        const x = signal_changes[signal]?.[step] ?? null;
        return x === null || y === null ? [] : [[x, y]];
      }),
    );
    if (points.length === 0) return [];
    const { coefficients, range, r2 } = fitPolynomial(points, DEGREE);
    return [
      [
        signal,
        { coefficients: coefficients.map(long), range: [long(range[0]), long(range[1])], r2: short(r2) },
      ],
    ];
  });
  return Object.fromEntries(fits);
}

function reuseCosts(measured: readonly Measured[]): Profile["reuse_costs"] {
  const tables = measured.flatMap(({ branches }) => Object.values(branches)).map((run) => run.reuse_costs);
  return (tables[0] ?? []).map((_, step) => means(tables.map((table) => table[step] ?? [])));
}

/** Of the prompts that have one. */
function meanTables(all: readonly (readonly Row[] | undefined)[]) {
  const tables = all.filter((table) => table !== undefined);
  return tables[0]?.map((_, lag) =>
    perColumn(
      tables.map((table) => table[lag] ?? []),
      mean,
    ),
  );
}

function impacts(measured: readonly Measured[], granularity: keyof Profile["impacts"]) {
  const all = measured.flatMap((of) => of.impacts[granularity] ?? []);
  const [first] = all;
  return first && { steps: first.steps, values: means(all.map(({ values }) => values)) };
}

/** What there is of each. */
function byGranularity<T>(of: (granularity: keyof Profile["deviations"]) => T | undefined) {
  const [step, cfg, block] = [of("step"), of("cfg"), of("block")];
  return { ...(step && { step }), ...(cfg && { cfg }), ...(block && { block }) };
}
