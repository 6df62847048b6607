/** Option values as commander hands them over, turned into what the engine takes. */

import { existsSync } from "node:fs";
import path from "node:path";
import { invalid, type MixcacheError } from "../errors.ts";

/** A number, whatever it is; the engine says which numbers are possible. */
export function number(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || Number.isNaN(value))
      invalid(option, `--${option} is “${text}”, which is not a number.`);
    return value;
  };
}

/** Seeds may be larger than a number can say exactly. */
export function seed(text: string): bigint {
  if (!/^\d{1,20}$/.test(text))
    invalid("seed", `--seed is “${text}”; it must be a whole number from 0 to 2^64 - 1.`);
  return BigInt(text);
}

/** "640x480" */
export function size(text: string): { width: number; height: number } {
  const match = /^(\d{1,6})x(\d{1,6})$/i.exec(text);
  if (!match) invalid("size", `--size is “${text}”; write it as width x height, for example 64x64.`);
  return { width: Number(match[1]), height: Number(match[2]) };
}

export function threads(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 256) {
    invalid("threads", `--threads is “${text}”; it must be a whole number from 1 to 256.`);
  }
  return value;
}

/** The format that a file name's ending asks for. */
export function formatOf(output: string, format: string | undefined): "mp4" | "webp" {
  const ending = path.extname(output).slice(1).toLowerCase();
  const wanted = format ?? ending;
  if (wanted === "mp4" || wanted === "webp") return wanted;
  invalid(
    "format",
    `--output ${output} ends in neither .mp4 nor .webp. Rename it, or say --format mp4 or --format webp.`,
  );
}

/** The sheet is a PNG, and not the video. */
export function checkSheet(sheet: string, output: string): void {
  if (path.extname(sheet).toLowerCase() !== ".png")
    invalid("sheet", `--sheet ${sheet} does not end in .png. Rename it.`);
  if (path.resolve(sheet) === path.resolve(output))
    invalid("sheet", `--sheet and --output are both ${sheet}. Choose another name for one of them.`);
}

/** The trace is JSON, and not the video. */
export function checkTrace(trace: string, output: string): void {
  if (path.extname(trace).toLowerCase() !== ".json")
    invalid("trace", `--trace ${trace} does not end in .json. Rename it.`);
  if (path.resolve(trace) === path.resolve(output))
    invalid("trace", `--trace and --output are both ${trace}. Choose another name for one of them.`);
}

/** The option that sets a field of a request, where the two have different names. */
const OPTION_OF: Readonly<Record<string, string>> = {
  num_inference_steps: "--steps",
  guidance_scale: "--guidance",
  guidance_scale_2: "--guidance-2",
  negative_prompt: "--negative",
  num_frames: "--frames",
  width: "--size",
  height: "--size",
  cache: "--cache",
  "cache.speed": "--speed",
  "cache.preset": "--preset",
};

/** Says which option a message of the engine is about. */
export function withOption({ message, field }: MixcacheError): string {
  const option = field === undefined ? undefined : (OPTION_OF[field] ?? cacheOption(field));
  // A message of the command line names its option itself.
  return option === undefined || message.includes(option) ? message : `${option}: ${message}`;
}

function cacheOption(field: string): string | undefined {
  return field.startsWith("cache.") ? "--cache-options" : undefined;
}

/** Refuses a folder that is not there before an engine is started for it. */
export function bundleFolder(folder: string): string {
  if (!existsSync(folder))
    invalid("bundle", `The bundle folder ${folder} does not exist. Give the folder of a mixcache bundle.`);
  return folder;
}
