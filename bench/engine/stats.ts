/** Timings that two things take in turn, and what they say. */

import { quantile } from "../../src/engine/metrics/statistics.ts";

/** What one run took. */
export interface Time {
  readonly wallMs: number;
  /** Of this process, all its threads: other processes that take turns on the cores do not count. */
  readonly cpuMs: number;
}

/** Something to time; it may return a time of its own where only a part of it counts. */
export type Timed = () => Promise<Time | undefined>;

/** Times of two alternatives, one pair per round. */
export interface Pairs {
  readonly a: readonly Time[];
  readonly b: readonly Time[];
}

/** What some pairs say. */
export interface Comparison {
  /** Median wall times in milliseconds. */
  readonly medianA: number;
  readonly medianB: number;
  /** The same of the fastest runs, which were disturbed least. */
  readonly fastestA: number;
  readonly fastestB: number;
  /** Median over the rounds of a / b. The two of a round are neighbours in time, so a drifting machine cancels. */
  readonly ratio: number;
  /** First and third quartile of the same. */
  readonly quartiles: readonly [low: number, high: number];
  /** The same ratio of CPU times: to be looked at where the machine was busy. */
  readonly cpuRatio: number;
}

/** Runs a b a b …, each twice unmeasured before. */
export async function interleave(rounds: number, a: Timed, b: Timed): Promise<Pairs> {
  for (const warmUp of [a, b, a, b]) await warmUp();
  const times: { a: Time[]; b: Time[] } = { a: [], b: [] };
  for (let round = 0; round < rounds; round++) {
    times.a.push(await clock(a));
    times.b.push(await clock(b));
  }
  return times;
}

/** Starts a watch; calling it gives the time since. */
export function stopwatch(): () => Time {
  const cpu = process.cpuUsage();
  const started = performance.now();
  return () => {
    const wallMs = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    return { wallMs, cpuMs: (user + system) / 1000 };
  };
}

async function clock(work: Timed): Promise<Time> {
  const watch = stopwatch();
  const own = await work();
  return own ?? watch();
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function compare({ a, b }: Pairs): Comparison {
  const ratios = (of: keyof Time) => a.map((time, round) => time[of] / (b[round]?.[of] ?? Number.NaN));
  const wall = ratios("wallMs");
  const wallA = a.map(({ wallMs }) => wallMs);
  const wallB = b.map(({ wallMs }) => wallMs);
  return {
    medianA: median(wallA),
    medianB: median(wallB),
    fastestA: Math.min(...wallA),
    fastestB: Math.min(...wallB),
    ratio: median(wall),
    quartiles: [quantile(wall, 0.25), quantile(wall, 0.75)],
    cpuRatio: median(ratios("cpuMs")),
  };
}
