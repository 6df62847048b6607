/** The word-level tokenizer: one id per known word. */

import { z } from "zod";

/** A text as the model sees it. */
export interface Tokens {
  /** Ids, padded where the encoder pads. */
  readonly ids: readonly number[];
  /** How many of them are the text's own. */
  readonly length: number;
  /** Words of the text that the model has never seen; they were left out. */
  readonly unknownWords: readonly string[];
  /** Words beyond the model's limit; they were left out. */
  readonly droppedWords: readonly string[];
}

const schema = z.strictObject({
  kind: z.literal("words"),
  words: z.array(z.string()).min(1).describe("In the order of their ids."),
  pad: z.string(),
  null: z.string().describe("Stands for an empty text."),
  start: z.string(),
});

export interface WordVocabulary {
  readonly idOf: ReadonlyMap<string, number>;
  readonly pad: number;
  readonly nothing: number;
  readonly start: number;
}

/** Parses `tokenizer.json`; throws where it is not one. */
export function parseWordVocabulary(json: string): WordVocabulary {
  const parsed = schema.parse(JSON.parse(json));
  const idOf = new Map(parsed.words.map((word, id) => [word, id]));
  const id = (word: string) => {
    const found = idOf.get(word);
    if (found === undefined) throw new RangeError(`the special word ${word} is not among the words`);
    return found;
  };
  return { idOf, pad: id(parsed.pad), nothing: id(parsed.null), start: id(parsed.start) };
}

/**
 * Words are runs of letters and digits, in lower case. The start token comes first; a text without a known word
 * is the null prompt.
 */
export function wordTokens(
  { idOf, pad, nothing, start }: WordVocabulary,
  text: string,
  maxTokens: number,
  padding: "to_max" | "none",
): Tokens {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const known = words.filter((word) => idOf.has(word));
  const unknownWords = [...new Set(words.filter((word) => !idOf.has(word)))];
  const kept = known.slice(0, maxTokens - 1);
  const ids = [start, ...(kept.length ? kept.map((word) => idOf.get(word) ?? nothing) : [nothing])];
  const length = ids.length;
  if (padding === "to_max") while (ids.length < maxTokens) ids.push(pad);
  return { ids, length, unknownWords, droppedWords: known.slice(maxTokens - 1) };
}
