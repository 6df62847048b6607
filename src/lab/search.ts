/** Finds the settings of a policy's dial that give the speedups asked for, in few trials. */

import type { Dial } from "../engine/cache/definition.ts";

/** A setting and the speedup it gave. */
export interface Tried {
  readonly dial: number;
  readonly speedup: number;
}

/** A target is met where the speedup is this near; more trials would only chase the prompts' noise. */
const MET = 0.005;
/** A trial never comes nearer than this share of its bracket to an end, so that each one narrows it. */
const GUARD = 0.1;
/** A share of the dial this wide or wider is halved: interpolation is of use only where the curve is nearly straight. */
const WIDE = 0.5;
/** Settings nearer than this share of the dial are the same. */
const FINEST = 1e-4;

/**
 * The next setting to try, or undefined where the dial has no other. First both ends; then the target that is missed
 * by most, between the settings on both sides of it, by halves and then by interpolation; when all are met, the widest gap of the curve.
 */
export function nextDial(
  dial: Dial,
  targets: readonly number[],
  tried: readonly Tried[],
): number | undefined {
  for (const end of [dial.slow, dial.fast]) if (!tried.some((trial) => trial.dial === end)) return end;
  const pairs = pairsOf(dial, tried);
  const missed = targets
    .map((target) => ({ target, miss: Math.abs(nearest(tried, target).speedup / target - 1) }))
    .filter(({ miss }) => miss > MET)
    .sort((a, b) => b.miss - a.miss);
  for (const { target } of missed) {
    const pair = pairs.find(
      ([a, b]) => (a.speedup - target) * (b.speedup - target) < 0 && !isClosed(dial, a, b),
    );
    if (pair) return between(dial, pair, shareOf(dial, pair, target));
  }
  const [widest] = pairs.filter(([a, b]) => !isClosed(dial, a, b)).sort((a, b) => gap(b) - gap(a));
  return widest && between(dial, widest, 0.5);
}

/** The trial whose speedup is nearest, as a ratio. */
export function nearest(tried: readonly Tried[], target: number): Tried {
  const [first, ...others] = tried;
  if (!first) throw new Error("Nothing was tried.");
  const miss = ({ speedup }: Tried) => Math.abs(Math.log(speedup / target));
  return others.reduce((best, trial) => (miss(trial) < miss(best) ? trial : best), first);
}

type Pair = readonly [Tried, Tried];

/** Neighbours on the dial, from slow to fast. */
function pairsOf(dial: Dial, tried: readonly Tried[]): Pair[] {
  const sorted = [...tried].sort((a, b) => place(dial, a.dial) - place(dial, b.dial));
  return sorted.flatMap((b, i) => {
    const a = sorted[i - 1];
    return a ? [[a, b] as const] : [];
  });
}

/** Where between the two the target should be, if speedups grow evenly in logarithms. */
function shareOf(dial: Dial, [a, b]: Pair, target: number): number {
  if (Math.abs(place(dial, b.dial) - place(dial, a.dial)) > WIDE) return 0.5;
  return Math.log(target / a.speedup) / Math.log(b.speedup / a.speedup);
}

function between(dial: Dial, [a, b]: Pair, share: number): number {
  const [from, to] = [place(dial, a.dial), place(dial, b.dial)];
  const guarded = Math.min(1 - GUARD, Math.max(GUARD, share));
  const value = valueAt(dial, from + (to - from) * guarded);
  if (dial.scale !== "integer") return value;
  const [low, high] = [Math.min(a.dial, b.dial), Math.max(a.dial, b.dial)];
  return Math.min(high - 1, Math.max(low + 1, Math.round(value)));
}

/** No setting lies between the two. */
function isClosed(dial: Dial, a: Tried, b: Tried): boolean {
  if (dial.scale === "integer") return Math.abs(a.dial - b.dial) <= 1;
  return Math.abs(place(dial, a.dial) - place(dial, b.dial)) < FINEST;
}

function gap([a, b]: Pair): number {
  return Math.abs(Math.log(b.speedup / a.speedup));
}

/** 0 at the slow end, 1 at the fast one. */
function place({ slow, fast, scale }: Dial, value: number): number {
  if (scale === "logarithmic") return Math.log(value / slow) / Math.log(fast / slow);
  return (value - slow) / (fast - slow);
}

/** Six digits: a setting should be possible to write down. */
function valueAt({ slow, fast, scale }: Dial, at: number): number {
  const value = scale === "logarithmic" ? slow * (fast / slow) ** at : slow + (fast - slow) * at;
  return Number(value.toPrecision(6));
}
