/** Settings within an address: a link that fills in the form, and says nothing else of who made it. */

import type { CacheRequest } from "../../engine/cache/request.ts";
import { cacheOf, choiceOf, FIRST_CHOICE } from "./cache-choice.ts";
import { type Draft, EMPTY_DRAFT } from "./draft.ts";

/** The names of the fields in an address. */
const NAMES = {
  prompt: "prompt",
  negativePrompt: "negative",
  seed: "seed",
  steps: "steps",
  guidance: "guidance",
} as const;
const TEXT_FIELDS = Object.keys(NAMES) as (keyof typeof NAMES)[];

/** The query of a draft: what is left to the model is left out. */
export function queryOfDraft(draft: Draft): URLSearchParams {
  const query = new URLSearchParams();
  for (const field of TEXT_FIELDS) if (draft[field] !== "") query.set(NAMES[field], draft[field]);
  const { policy, ...options } = cacheOf(draft.cache);
  query.set("cache", policy);
  for (const [name, value] of Object.entries(options)) query.set(`cache.${name}`, String(value));
  return query;
}

/** The draft that a query fills in; undefined where it says nothing of one. */
export function draftOfQuery(query: URLSearchParams): Draft | undefined {
  const texts = TEXT_FIELDS.flatMap((field) => {
    const value = query.get(NAMES[field]);
    return value === null ? [] : [[field, value] as const];
  });
  const policy = query.get("cache");
  if (texts.length === 0 && policy === null) return undefined;
  const cache = policy === null ? FIRST_CHOICE : choiceOf(cacheIn(policy, query));
  return { ...EMPTY_DRAFT, ...Object.fromEntries(texts), cache };
}

function cacheIn(policy: string, query: URLSearchParams): CacheRequest {
  const options = [...query].flatMap(([name, text]) => {
    if (!name.startsWith("cache.")) return [];
    const value = text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
    return [[name.slice("cache.".length), value] as const];
  });
  return { ...Object.fromEntries(options), policy };
}
