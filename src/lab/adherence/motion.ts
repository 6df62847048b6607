/**
 * Names the movement of an object that was tracked. Every threshold lies halfway between what the renderer
 * draws for one motion and what it draws for the other.
 */
import type { MotionName } from "./grammar.ts";
import type { Place } from "./track.ts";

/** Travel in pixels: none when still, 14 to 36 (and 30 for an orbit, 28 for a bounce) when moving. */
const LEAST_TRAVEL = 7;
const USUAL_TRAVEL = 26;
/** Area at the end over area at the start: 1, or 7.84 when growing (the inverse when shrinking). */
const USUAL_GROWTH = Math.log(7.84);
const LEAST_GROWTH = USUAL_GROWTH / 2;
/** The part of a path's variance that a straight line at constant speed explains: 1 for one, less for a loop. */
const STRAIGHT = 0.75;
/** Spread across over spread along: near 1 for an orbit, 0 for a bounce. */
const ROUND = 0.4;
/** Coverage that differs between frames, as a part of both: 0 when still, 0.17 for a square turned by 45 degrees. */
const LEAST_TURN = 0.085;

interface Line {
  /** Change over the whole clip. */
  change: number;
  variance: number;
  /** Variance that the line leaves. */
  residual: number;
}

/** Least squares of values over frames. */
function straightLine(places: readonly Place[], value: (place: Place) => number): Line {
  const mean = (of: (place: Place) => number) => places.reduce((sum, p) => sum + of(p), 0) / places.length;
  const middle = mean((p) => p.frame);
  const level = mean(value);
  const time = mean((p) => (p.frame - middle) ** 2);
  const slope = mean((p) => (p.frame - middle) * (value(p) - level)) / time;
  const variance = mean((p) => (value(p) - level) ** 2);
  const first = places.at(0)?.frame ?? 0;
  const last = places.at(-1)?.frame ?? 0;
  return { change: slope * (last - first), variance, residual: variance - slope * slope * time };
}

function extent(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

/**
 * How much the picture around the centroid changes: the 90th percentile over pairs of frames of the differing
 * coverage, as a part of both areas. The shift between two frames is rounded to whole pixels.
 */
function turning(places: readonly Place[], width: number): number {
  const found: number[] = [];
  for (const [index, a] of places.entries()) {
    for (const b of places.slice(index + 1)) {
      const shift = Math.round(b.y - a.y) * width + Math.round(b.x - a.x);
      let differing = 0;
      a.coverage.forEach((value, pixel) => {
        differing += Math.abs(value - (b.coverage[pixel + shift] ?? 0));
      });
      found.push(differing / (a.area + b.area));
    }
  }
  return found.sort((a, b) => a - b)[Math.floor(0.9 * found.length)] ?? 0;
}

/** A direction's name, by sectors of 45 degrees; y points down. */
function direction(dx: number, dy: number): MotionName {
  const sector = Math.round(Math.atan2(dy, dx) / (Math.PI / 4)) & 7;
  const names: readonly MotionName[] = [
    "right",
    "down-right",
    "down",
    "down-left",
    "left",
    "up-left",
    "up",
    "up-right",
  ];
  return names[sector] ?? "right";
}

export function nameMotion(places: readonly Place[], width: number, count: number): MotionName | "none" {
  if (places.length < 0.75 * count) return "none";
  const x = straightLine(places, (p) => p.x);
  const y = straightLine(places, (p) => p.y);
  const wide = extent(places.map((p) => p.x));
  const high = extent(places.map((p) => p.y));
  const travel = Math.hypot(wide, high);
  const growth = straightLine(places, (p) => Math.log(p.area)).change;

  const grows = Math.abs(growth) >= LEAST_GROWTH;
  const moves = travel >= LEAST_TRAVEL;
  if (grows && (!moves || Math.abs(growth) / USUAL_GROWTH > travel / USUAL_TRAVEL))
    return growth > 0 ? "grow" : "shrink";
  if (!moves) return turning(places, width) >= LEAST_TURN ? "spin" : "still";

  const straight = 1 - (x.residual + y.residual) / (x.variance + y.variance);
  if (straight >= STRAIGHT) return direction(x.change, y.change);
  if (Math.min(x.variance, y.variance) >= ROUND ** 2 * Math.max(x.variance, y.variance)) return "orbit";
  return y.variance > x.variance ? "bounce" : "none";
}
