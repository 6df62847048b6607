/** What a model's pipeline does to a prompt before it becomes tokens. */

import type { TextEncoderManifest } from "./bundle/manifest-text.ts";
import { fixText } from "./text-fix.ts";
import { unescapeHtml } from "./text-html.ts";

/** White space as Python counts it. */
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const SPACES = new RegExp(`${SPACE}+`, "g");

const CLEANERS = {
  fix_text: fixText,
  unescape_html: unescapeHtml,
  join_spaces: (text: string) => text.replace(SPACES, " ").replace(/^ | $/g, ""),
} as const;

/**
 * The text that an encoder's tokenizer gets, or undefined where it reads only quoted parts and there are none: cleaned,
 * reduced to its quoted parts, put into the template.
 */
export function encoderText(
  { clean, quoted, empty, template }: TextEncoderManifest,
  prompt: string,
): string | undefined {
  const cleaned = clean.reduce((text, step) => CLEANERS[step](text), prompt);
  const parts = quoted === undefined ? undefined : quotedParts(cleaned);
  if (parts?.length === 0) return undefined;
  const text = parts?.map((part) => (quoted ?? "").replace("{text}", () => part)).join("") ?? cleaned;
  return template.replace("{prompt}", () => text || empty);
}

/** What stands between straight or between curly double quotes, each text once. */
export function quotedParts(text: string): string[] {
  const matches = text.matchAll(/"([^\n]*?)"|“([^\n]*?)”/g);
  return [...new Set([...matches].map(([, straight, curly]) => straight || curly || ""))];
}
