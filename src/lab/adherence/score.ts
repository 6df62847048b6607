/**
 * Says what a video of the shapes model shows and whether that is what its prompt asked for. It was made with
 * the renderer's own videos and is never to be fitted to what a model draws.
 */
import { foreground, type Layout } from "./foreground.ts";
import { type Attributes, BACKGROUNDS, nearest, OBJECT_COLOURS, type Seen } from "./grammar.ts";
import { nameMotion } from "./motion.ts";
import { nameShape } from "./shape.ts";
import { track } from "./track.ts";

export const ATTRIBUTES = ["background", "colour", "shape", "motion"] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

/** `frames` is RGB, [count, height, width, 3]. */
export function scoreVideo(frames: Uint8Array, layout: Layout): Seen {
  const found = foreground(frames, layout);
  const background = nearest(BACKGROUNDS, found.background);
  const places = track(found, layout);
  if (!found.colour || places.length === 0)
    return { background, colour: "none", shape: "none", motion: "none" };
  return {
    background,
    colour: nearest(OBJECT_COLOURS, found.colour),
    shape: nameShape(places, layout.width),
    motion: nameMotion(places, layout.width, layout.count),
  };
}

export type Adherence = Record<Attribute, boolean> & { all: boolean };

export function adherence(expected: Attributes, seen: Seen): Adherence {
  const [background, colour, shape, motion] = [
    expected.background === seen.background,
    expected.colour === seen.colour,
    expected.shape === seen.shape,
    expected.motion === seen.motion,
  ];
  return { background, colour, shape, motion, all: background && colour && shape && motion };
}

export interface Share {
  right: number;
  of: number;
  percent: number;
}

export interface Report {
  videos: number;
  background: Share;
  colour: Share;
  shape: Share;
  motion: Share;
  /** Every attribute right at once. */
  all: Share;
  /** What was seen instead: `shape: star -> circle` and how often, most frequent first. */
  confusions: { attribute: Attribute; expected: string; seen: string; count: number }[];
  /** Right motions by the motion that was asked for. */
  byMotion: Record<string, Share>;
}

function share(flags: readonly boolean[]): Share {
  const right = flags.filter(Boolean).length;
  return { right, of: flags.length, percent: flags.length === 0 ? 0 : (100 * right) / flags.length };
}

/** Sums up the videos of a set of prompts. */
export function report(pairs: readonly { expected: Attributes; seen: Seen }[]): Report {
  const judged = pairs.map(({ expected, seen }) => adherence(expected, seen));
  const motions = Map.groupBy(pairs, ({ expected }) => expected.motion);
  const confusions = new Map<string, Report["confusions"][number]>();
  for (const { expected, seen } of pairs) {
    for (const attribute of ATTRIBUTES) {
      if (expected[attribute] === seen[attribute]) continue;
      const key = `${attribute} ${expected[attribute]} ${seen[attribute]}`;
      const entry = { attribute, expected: expected[attribute], seen: seen[attribute], count: 0 };
      confusions.set(key, { ...entry, count: (confusions.get(key)?.count ?? 0) + 1 });
    }
  }
  return {
    videos: pairs.length,
    background: share(judged.map((j) => j.background)),
    colour: share(judged.map((j) => j.colour)),
    shape: share(judged.map((j) => j.shape)),
    motion: share(judged.map((j) => j.motion)),
    all: share(judged.map((j) => j.all)),
    confusions: [...confusions.values()].sort((a, b) => b.count - a.count),
    byMotion: Object.fromEntries(
      [...motions].map(([motion, group]) => [
        motion,
        share(group.map((p) => p.expected.motion === p.seen.motion)),
      ]),
    ),
  };
}
