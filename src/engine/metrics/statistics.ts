/** What many measurements say together. */

import { invalid } from "../../errors.ts";
import { meanOver } from "./planes.ts";
import { studentT } from "./student-t.ts";

/** The worst prompts matter as much as the mean. */
export interface Summary {
  readonly n: number;
  readonly mean: number;
  /** A tenth of the values lie below. */
  readonly p10: number;
  /** A tenth of the values lie above. */
  readonly p90: number;
}

/** @throws MixcacheError `invalid_argument` where there is no value. */
export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) invalid("values", "There is no value to summarize. Give at least one.");
  return {
    n: values.length,
    mean: mean(values),
    p10: quantile(values, 0.1),
    p90: quantile(values, 0.9),
  };
}

/** The value below which a share of the values lies, interpolated between order statistics; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((x, y) => x - y);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Two policies' values of one metric for one video. */
export interface PairedValue {
  /** What makes values depend on each other: the prompt. Seeds of one prompt share it. */
  readonly cluster: string;
  readonly a: number;
  readonly b: number;
}

/** a − b, and where the true difference over prompts like these lies. */
export interface PairedDifference {
  /** Mean over clusters of each cluster's mean difference. */
  readonly mean: number;
  /** Ends of the 95 % interval; the policies differ where 0 lies outside. Infinite with a single cluster. */
  readonly low: number;
  readonly high: number;
  readonly clusters: number;
  /** Pairs in all. */
  readonly n: number;
}

const CONFIDENCE = 0.95;

/**
 * The paired difference of two policies with a Student t interval over clusters. Several seeds of one prompt are not
 * independent, so each prompt counts once, with the mean of its seeds.
 * @throws MixcacheError `invalid_argument` where there is no pair or a value is not finite.
 */
export function pairedDifference(pairs: readonly PairedValue[]): PairedDifference {
  if (pairs.length === 0) invalid("pairs", "There is no pair to compare. Give at least one.");
  const byCluster = Map.groupBy(pairs, ({ cluster }) => cluster);
  const means = [...byCluster.values()].map((members) => mean(members.map(difference)));
  const middle = mean(means);
  const clusters = means.length;
  if (clusters === 1) return { mean: middle, low: -Infinity, high: Infinity, clusters, n: pairs.length };
  const variance = mean(means.map((value) => (value - middle) ** 2)) * (clusters / (clusters - 1));
  const reach = studentT(1 - (1 - CONFIDENCE) / 2, clusters - 1) * Math.sqrt(variance / clusters);
  return { mean: middle, low: middle - reach, high: middle + reach, clusters, n: pairs.length };
}

function difference({ cluster, a, b }: PairedValue): number {
  if (!(Number.isFinite(a) && Number.isFinite(b))) {
    invalid("pairs", `The pair ${a}, ${b} of "${cluster}" is not of finite numbers. Leave it out.`);
  }
  return a - b;
}

function mean(values: readonly number[]): number {
  return meanOver(values.length, (i) => values[i] ?? 0);
}
