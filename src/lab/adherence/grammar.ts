/**
 * What a prompt of the shapes model can ask for, as far as it can be judged from the picture; the same
 * palette and names as `python/shapes/shapes/grammar.py`.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import testPrompts from "../prompts/test.json" with { type: "json" };

export type Rgb = readonly [number, number, number];

export const OBJECT_COLOURS = {
  red: [230, 31, 36],
  green: [33, 179, 64],
  blue: [38, 82, 235],
  yellow: [250, 219, 31],
  purple: [148, 51, 199],
  orange: [250, 138, 20],
  cyan: [38, 217, 230],
  white: [247, 247, 247],
  pink: [250, 140, 191],
} as const satisfies Record<string, Rgb>;

export const BACKGROUNDS = {
  black: [10, 10, 13],
  white: OBJECT_COLOURS.white,
  gray: [128, 128, 133],
  blue: OBJECT_COLOURS.blue,
  green: OBJECT_COLOURS.green,
  red: OBJECT_COLOURS.red,
  purple: OBJECT_COLOURS.purple,
  pink: OBJECT_COLOURS.pink,
  brown: [115, 71, 36],
  orange: OBJECT_COLOURS.orange,
} as const satisfies Record<string, Rgb>;

export const SHAPES = ["circle", "square", "triangle", "star", "cross", "ring"] as const;

export const MOTIONS = [
  "left",
  "right",
  "up",
  "down",
  "still",
  "grow",
  "shrink",
  "up-left",
  "up-right",
  "down-left",
  "down-right",
  "spin",
  "bounce",
  "orbit",
] as const;

export type ColourName = keyof typeof OBJECT_COLOURS;
export type BackgroundName = keyof typeof BACKGROUNDS;
export type ShapeName = (typeof SHAPES)[number];
export type MotionName = (typeof MOTIONS)[number];

/** The attributes that are judged. */
export interface Attributes {
  background: BackgroundName;
  colour: ColourName;
  shape: ShapeName;
  motion: MotionName;
}

/** What a video shows: no object, or a movement that is none of the grammar's, is `none`. */
export interface Seen {
  background: BackgroundName;
  colour: ColourName | "none";
  shape: ShapeName | "none";
  motion: MotionName | "none";
}

export function distance(a: Rgb, b: Rgb): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** The name of the palette's nearest entry. */
export function nearest<Name extends string>(palette: Readonly<Record<Name, Rgb>>, colour: Rgb): Name {
  const names = Object.keys(palette) as Name[];
  return names.reduce((best, name) =>
    distance(palette[name], colour) < distance(palette[best], colour) ? name : best,
  );
}

const names = <T extends object>(palette: T) => Object.keys(palette) as (keyof T & string)[];

export const promptSchema = z.object({
  prompt: z.string(),
  shape: z.enum(SHAPES),
  colour: z.enum(names(OBJECT_COLOURS)),
  background: z.enum(names(BACKGROUNDS)),
  size: z.enum(["small", "medium", "large"]),
  motion: z.enum(MOTIONS),
  speed: z.enum(["slow", "normal", "fast"]),
});

/** `videos.json` of a folder, and the prompts that come along: what the videos are (to be) of. */
export const videosSchema = z.object({
  width: z.int().positive(),
  height: z.int().positive(),
  frames: z.int().positive(),
  fps: z.number().positive(),
  videos: z.array(promptSchema),
});

export type Prompt = z.infer<typeof promptSchema>;
export type Videos = z.infer<typeof videosSchema>;

/** @throws ZodError where the file is of another form */
export function readVideos(path: string | URL): Videos {
  return videosSchema.parse(JSON.parse(readFileSync(path, "utf8")));
}

/** The 96 test prompts: combinations that training never saw, from the seed of `shapes.grammar`. */
export function heldOutPrompts(): Videos {
  return videosSchema.parse(testPrompts);
}
