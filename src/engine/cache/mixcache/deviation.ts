/**
 * D: how far a reused quantity is expected to be from what the model would compute. A profile knows it for the typical
 * prompt; how rough this prompt is shows in the deviations observed at its own full steps.
 */

import type { Profile } from "../profile.ts";
import { GRANULARITIES, type Granularity } from "./granularity.ts";

/** Observed roughness is rounded to this step of its base-2 logarithm, so that small errors of scalars decide nothing. */
const LEVEL = 0.25;
/** A prompt may be so many levels away from the typical one: a factor of four. */
const MOST_LEVELS = 8;
/** With its distance in steps, what was seen here says less of what comes: half as much every so many steps. */
const HALF_LIFE_STEPS = 3;

/** How an error grows with the steps since the last full one: a held value by steps, a straight line by their sums. */
function growth(lag: number, order: 0 | 1): number {
  return order === 0 ? lag : (lag * (lag + 1)) / 2;
}

export class Deviations {
  readonly #tables: Profile["deviations"] | undefined;
  readonly #order: 0 | 1;
  /** Without a profile: the newest observed deviation per unit of growth, rounded like the levels. */
  readonly #rates = new Map<Granularity, number>();
  /** The newest level of roughness that was observed at a full step of this prompt, and the mean of all. */
  #observed:
    | { readonly step: number; readonly level: number; readonly sum: number; readonly count: number }
    | undefined;
  #margin = Number.POSITIVE_INFINITY;
  /** By step, how rough this prompt is taken to be there; a plan asks for each many times. */
  #roughness: number[] = [];

  constructor(tables: Profile["deviations"] | undefined, order: 0 | 1) {
    this.#tables = tables;
    this.#order = order;
  }

  /** Whether a granularity's deviation has to be observed at full steps, as no profile knows it. */
  wants(granularity: Granularity): boolean {
    return granularity === "step" || !this.#tables?.[granularity];
  }

  /** The deviation found at a full step, `lag` steps after the one before. */
  observe(granularity: Granularity, step: number, lag: number, deviation: number): void {
    if (!(deviation > 0)) return;
    if (!this.#tables?.[granularity]) {
      this.#rates.set(granularity, 2 ** (LEVEL * this.#level(deviation / growth(lag, this.#order))));
      return;
    }
    const typical = this.#typical(granularity, step, lag);
    if (granularity !== "step" || !(typical > 0)) return;
    const level = Math.max(-MOST_LEVELS, Math.min(MOST_LEVELS, this.#level(deviation / typical)));
    const { sum, count } = this.#observed ?? { sum: 0, count: 0 };
    this.#observed = { step, level, sum: sum + level, count: count + 1 };
    this.#roughness = [];
  }

  #level(ratio: number): number {
    const exact = Math.log2(ratio) / LEVEL;
    const edge = 0.5 - Math.abs(exact - Math.round(exact));
    this.#margin = Math.min(this.#margin, 1 - 2 ** (-edge * LEVEL));
    return Math.round(exact);
  }

  /** D of reusing a granularity in a step, `lag` steps after the last full one, as expected from here. */
  expected(granularity: Granularity, step: number, lag: number): number {
    return this.#typical(granularity, step, lag) * this.#roughnessAt(step);
  }

  #roughnessAt(step: number): number {
    const known = this.#roughness[step];
    if (known !== undefined || !this.#observed) return known ?? 1;
    const { step: newest, level, sum, count } = this.#observed;
    const mean = sum / count;
    const near = 0.5 ** (Math.max(0, step - newest) / HALF_LIFE_STEPS);
    const roughness = 2 ** (LEVEL * (mean + (level - mean) * near));
    this.#roughness[step] = roughness;
    return roughness;
  }

  /** How near an observation came to another level, relative to it: below that, errors of scalars decide nothing. */
  get margin(): number {
    return this.#margin;
  }

  /** Another expert serves: what was observed says nothing of it. */
  clear(): void {
    this.#rates.clear();
    this.#observed = undefined;
    this.#roughness = [];
  }

  #typical(granularity: Granularity, step: number, lag: number): number {
    const table = this.#tables?.[granularity];
    if (!table) return (this.#rates.get(granularity) ?? 1) * growth(lag, this.#order);
    const known = Math.min(lag, table.length);
    const value = table[known - 1]?.[step] ?? table[0]?.[step] ?? 1;
    return (
      (value * growth(lag, this.#order)) / growth(table[known - 1]?.[step] == null ? 1 : known, this.#order)
    );
  }
}

/**
 * What a profile knows of the typical prompt. A line that is followed only as far as it bears out is, on the whole, at
 * least as good as the better of line and held result.
 */
export function typicalDeviations(profile: Profile, order: 0 | 1): Profile["deviations"] {
  const { deviations, held_deviations: held } = profile;
  if (order === 0) return held;
  const better = (granularity: Granularity) =>
    deviations[granularity]?.map((row, lag) =>
      row.map((value, step) => {
        const other = held[granularity]?.[lag]?.[step];
        return value === null || other == null ? value : Math.min(value, other);
      }),
    );
  return Object.fromEntries(GRANULARITIES.flatMap((g) => (deviations[g] ? [[g, better(g)]] : [])));
}
