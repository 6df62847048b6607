/** Timings that two things take in turn, and what they say. */

/** Something to time; what it returns is the time in milliseconds, where it knows better than the clock. */
export type Timed = () => Promise<number | undefined>;

/** Times of two alternatives, one pair per round, in milliseconds. */
export interface Pairs {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** What some pairs say. */
export interface Comparison {
  readonly medianA: number;
  readonly medianB: number;
  /** Median over the rounds of a / b. The two of a round are neighbours in time, so a drifting machine cancels. */
  readonly ratio: number;
  /** First and third quartile of the same. */
  readonly spread: readonly [low: number, high: number];
}

/** Runs a b a b …, each once unmeasured before. */
export async function interleave(rounds: number, a: Timed, b: Timed): Promise<Pairs> {
  await a();
  await b();
  const times: { a: number[]; b: number[] } = { a: [], b: [] };
  for (let round = 0; round < rounds; round++) {
    times.a.push(await clock(a));
    times.b.push(await clock(b));
  }
  return times;
}

async function clock(work: Timed): Promise<number> {
  const started = performance.now();
  const own = await work();
  return own ?? performance.now() - started;
}

/** The value below which a share of the values lies, interpolated; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((x, y) => x - y);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function compare({ a, b }: Pairs): Comparison {
  const ratios = a.map((time, round) => time / (b[round] ?? Number.NaN));
  return {
    medianA: median(a),
    medianB: median(b),
    ratio: median(ratios),
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
  };
}
