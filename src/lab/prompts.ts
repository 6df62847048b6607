/**
 * The prompts of an experiment. Three sets for the embedded model come along, and share neither a prompt nor a scene:
 * what is calibrated or tuned on one is judged on another.
 */

import { z } from "zod";
import { invalid } from "../errors.ts";
import { type Prompt as Expected, promptSchema } from "./adherence/grammar.ts";
import calibration from "./prompts/calibration.json" with { type: "json" };
import test from "./prompts/test.json" with { type: "json" };
import tuning from "./prompts/tuning.json" with { type: "json" };

/** A prompt, and what a scorer of the embedded model's grammar expects of its video where that is known. */
export interface LabPrompt {
  readonly prompt: string;
  readonly expected?: Expected;
}

const SETS = { calibration, tuning, test } as const;
export type PromptSet = keyof typeof SETS;
export const PROMPT_SETS = Object.keys(SETS) as readonly PromptSet[];

const fileSchema = z.union([
  z.object({ videos: z.array(z.union([promptSchema, z.object({ prompt: z.string().min(1) })])).min(1) }),
  z.array(z.string().min(1)).min(1),
]);

/** One of the sets that come along. */
export function promptSet(name: PromptSet): LabPrompt[] {
  return readPrompts(SETS[name], name);
}

export function isPromptSet(name: string): name is PromptSet {
  return Object.hasOwn(SETS, name);
}

/**
 * A list of texts, or `{ videos: [{ prompt, … }] }` as the sets that come along are written.
 * @throws MixcacheError `invalid_argument` for anything else, and for a prompt that is there twice
 */
export function readPrompts(json: unknown, file: string): LabPrompt[] {
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success)
    invalid(
      "prompts",
      `${file} holds no prompts. Write a JSON list of texts, or { "videos": [{ "prompt": … }] }.`,
    );
  const found = Array.isArray(parsed.data)
    ? parsed.data.map((prompt) => ({ prompt }))
    : parsed.data.videos.map((video) =>
        "shape" in video ? { prompt: video.prompt, expected: video } : { prompt: video.prompt },
      );
  const texts = found.map(({ prompt }) => prompt);
  const twice = texts.find((text, i) => texts.indexOf(text) !== i);
  if (twice !== undefined)
    invalid("prompts", `${file} has the prompt “${twice}” twice. Intervals need independent ones.`);
  return found;
}
