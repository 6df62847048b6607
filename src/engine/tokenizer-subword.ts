/** Subword tokenizers (SentencePiece's unigram model, byte-pair encoding) from Hugging Face's `tokenizer.json`. */

import { Tokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import type { Tokens } from "./tokenizer.ts";

/** Just enough to know the file; the library reads the rest. */
const schema = z.looseObject({
  model: z.looseObject({ vocab: z.union([z.array(z.unknown()), z.looseObject({})]) }),
});

/** Parses `tokenizer.json`; throws where it is not one. */
export function parseSubwordTokenizer(json: string): Tokenizer {
  return new Tokenizer(schema.parse(JSON.parse(json)), {});
}

/**
 * Ids of a text with the tokenizer's own special tokens. A text that is too long loses its end, not its special
 * tokens, as with `truncation=True` in Python.
 * @param padId fills up to `maxTokens`; not padded without it.
 */
export function subwordTokens(
  tokenizer: Tokenizer,
  text: string,
  maxTokens: number,
  padId: number | undefined,
): Tokens {
  const own = tokenizer.encode(text, { add_special_tokens: false }).ids;
  const all = tokenizer.encode(text).ids;
  const specials = all.length - own.length;
  const before = Math.max(0, placeOf(own, all, specials));
  const kept = Math.min(own.length, Math.max(0, maxTokens - specials));
  const ids = [...all.slice(0, before), ...own.slice(0, kept), ...all.slice(before + own.length)];
  const length = ids.length;
  if (padId !== undefined) while (ids.length < maxTokens) ids.push(padId);
  const dropped = own.slice(kept);
  return { ids, length, unknownWords: [], droppedWords: dropped.length ? [tokenizer.decode(dropped)] : [] };
}

/** How many special tokens come before the text's own. */
function placeOf(own: readonly number[], all: readonly number[], specials: number): number {
  const starts = Array.from({ length: specials + 1 }, (_, start) => start);
  return starts.findIndex((start) => own.every((id, i) => all[start + i] === id));
}
