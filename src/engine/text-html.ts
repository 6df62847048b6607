/** HTML's character references (`&amp;`, `&#8217;`) as characters. */

import { decodeHTML, decodeHTMLStrict } from "entities";

/** What windows-1252 has where Unicode has control characters; its five holes stay as they are. */
const windows1252 = new TextDecoder("windows-1252");

/**
 * All references of a text, as Python's `html.unescape` reads them: also without a semicolon where HTML allows that, and
 * with the characters that a number most likely means.
 */
export function unescapeHtml(text: string): string {
  const reference = /&(?:#(\d+);?|#[xX]([\da-fA-F]+);?|[^\t\n\f <&#;]{1,32};?)/g;
  return text.replace(reference, (whole, decimal?: string, hexadecimal?: string) => {
    if (decimal !== undefined) return characterOf(Number.parseInt(decimal, 10));
    if (hexadecimal !== undefined) return characterOf(Number.parseInt(hexadecimal, 16));
    return decodeHTML(whole);
  });
}

/** The character of one named reference with its semicolon, or undefined where HTML has none of this name. */
export function namedCharacter(reference: string): string | undefined {
  const character = decodeHTMLStrict(reference);
  return character === reference ? undefined : character;
}

function characterOf(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return "\ufffd";
  if (code >= 0x80 && code <= 0x9f) return windows1252.decode(Uint8Array.of(code));
  return isNoCharacter(code) ? "" : String.fromCodePoint(code);
}

/** Control characters that are no white space, and what Unicode says will never be a character. */
function isNoCharacter(code: number): boolean {
  if (code < 0x20) return ![0x09, 0x0a, 0x0c, 0x0d].includes(code);
  return code === 0x7f || (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
}
