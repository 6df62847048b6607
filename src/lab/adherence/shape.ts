/**
 * Names an object's outline: each shape of the grammar is drawn where the object is and as large, in several
 * turns, and the one that overlaps best is taken.
 */
import { SHAPES, type ShapeName } from "./grammar.ts";
import type { Place } from "./track.ts";

/** Distance from the edges of a regular star or polygon, folded into half a sector around the upward axis. */
function folded(x: number, y: number, sides: number): [number, number] {
  const sector = (2 * Math.PI) / sides;
  const angle = Math.atan2(x, -y);
  const within = Math.abs(angle - sector * Math.round(angle / sector));
  const length = Math.hypot(x, y);
  return [length * Math.sin(within), length * Math.cos(within)];
}

const STAR = { outer: 1.15, x: 0.5 * Math.sin(Math.PI / 5), y: 0.5 * Math.cos(Math.PI / 5) - 1.15 };

interface Outline {
  /** Signed distance, negative inside, of the shape about one unit large; y points down. As in render.py. */
  distance: (x: number, y: number) => number;
  /** The area of that shape. */
  area: number;
  /** Turns by one over this many look the same. */
  symmetry: number;
}

const OUTLINES: Readonly<Record<ShapeName, Outline>> = {
  circle: { distance: (x, y) => Math.hypot(x, y) - 0.95, area: Math.PI * 0.95 ** 2, symmetry: Infinity },
  ring: {
    distance: (x, y) => Math.abs(Math.hypot(x, y) - 0.77) - 0.25,
    area: Math.PI * (1.02 ** 2 - 0.52 ** 2),
    symmetry: Infinity,
  },
  square: { distance: (x, y) => Math.max(Math.abs(x), Math.abs(y)) - 0.82, area: 1.64 ** 2, symmetry: 4 },
  cross: {
    distance: (x, y) => {
      const [ax, ay] = [Math.abs(x), Math.abs(y)];
      return Math.max(Math.max(ax, ay) - 1, Math.min(ax, ay) - 0.33);
    },
    area: 4 * 0.66 * 2 * 0.5 - 0.66 ** 2,
    symmetry: 4,
  },
  triangle: {
    distance: (x, y) => {
      const [fx, fy] = folded(x, y, 3);
      return fx * Math.sin(Math.PI / 3) + fy * Math.cos(Math.PI / 3) - 0.58;
    },
    area: 3 * Math.sqrt(3) * 0.58 ** 2,
    symmetry: 3,
  },
  star: {
    distance: (x, y) => {
      const [fx, fy] = folded(x, y, 5);
      return (fx * -STAR.y + (fy - STAR.outer) * STAR.x) / Math.hypot(STAR.x, STAR.y);
    },
    area: 5 * 1.15 * 0.5 * Math.sin(Math.PI / 5),
    symmetry: 5,
  },
};

/** Turns that are tried of each shape, over one period of its symmetry; the first is upright. */
const TURNS = 6;
/** No shape reaches farther than this many radii. */
const REACH = 1.3;

/** Intersection over union of the coverage with a shape of the same centroid and area, turned by `angle`. */
function overlap({ x, y, area, coverage }: Place, width: number, outline: Outline, angle: number): number {
  const radius = Math.sqrt(area / outline.area);
  const height = coverage.length / width;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  let drawn = 0;
  let both = 0;
  const top = Math.max(0, Math.floor(y - REACH * radius));
  const bottom = Math.min(height - 1, Math.ceil(y + REACH * radius));
  const left = Math.max(0, Math.floor(x - REACH * radius));
  const right = Math.min(width - 1, Math.ceil(x + REACH * radius));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const dx = (column + 0.5 - x) / radius;
      const dy = (row + 0.5 - y) / radius;
      const inside = 0.5 - outline.distance(dx * cos + dy * sin, dy * cos - dx * sin) * radius;
      const template = Math.min(Math.max(inside, 0), 1);
      drawn += template;
      both += Math.min(template, coverage[row * width + column] ?? 0);
    }
  }
  return both / (area + drawn - both);
}

export function nameShape(places: readonly Place[], width: number): ShapeName | "none" {
  let best: { shape: ShapeName | "none"; score: number } = { shape: "none", score: 0 };
  for (const shape of SHAPES) {
    const outline = OUTLINES[shape];
    const turns = outline.symmetry === Infinity ? 1 : TURNS;
    let score = 0;
    for (const place of places) {
      const each = Array.from({ length: turns }, (_, turn) =>
        overlap(place, width, outline, (2 * Math.PI * turn) / (turns * outline.symmetry)),
      );
      score += Math.max(...each);
    }
    if (score > best.score) best = { shape, score };
  }
  return best.shape;
}
