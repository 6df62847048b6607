/** The tokenizer that has no vocabulary: one id for each byte of the text in UTF-8 (ByT5, Xue et al., arXiv 2105.13626). */

import type { Tokens } from "./tokenizer.ts";

/**
 * Ids of a text and the one that ends it. A text that is too long loses its last bytes.
 * @param pads fills up to `maxTokens` with `pad_id`
 */
export function byteTokens(
  { offset, end_id, pad_id }: { readonly offset: number; readonly end_id: number; readonly pad_id: number },
  text: string,
  maxTokens: number,
  pads: boolean,
): Tokens {
  const bytes = new TextEncoder().encode(text);
  const kept = bytes.subarray(0, maxTokens - 1);
  const ids = [...Array.from(kept, (byte) => byte + offset), end_id];
  const length = ids.length;
  if (pads) while (ids.length < maxTokens) ids.push(pad_id);
  const dropped = new TextDecoder().decode(bytes.subarray(kept.length));
  return { ids, length, unknownWords: [], droppedWords: dropped ? [dropped] : [] };
}
