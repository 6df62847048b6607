/**
 * Mends what copying does to a text, as ftfy's `fix_text` does: straight quotes, plain letters for ligatures and wide
 * forms, one kind of line break, no control characters, composed accents. It does not guess at text that was decoded
 * with a wrong encoding ("schÃ¶n"): ftfy does.
 */

import { namedCharacter, unescapeHtml } from "./text-html.ts";

const LIGATURES: Readonly<Record<string, string>> = {
  Ĳ: "IJ",
  ĳ: "ij",
  ŉ: "ʼn",
  Ǳ: "DZ",
  ǲ: "Dz",
  ǳ: "dz",
  Ǆ: "DŽ",
  ǅ: "Dž",
  ǆ: "dž",
  Ǉ: "LJ",
  ǈ: "Lj",
  ǉ: "lj",
  Ǌ: "NJ",
  ǋ: "Nj",
  ǌ: "nj",
  ﬀ: "ff",
  ﬁ: "fi",
  ﬂ: "fl",
  ﬃ: "ffi",
  ﬄ: "ffl",
  ﬅ: "ſt",
  ﬆ: "st",
};

const ESCAPE = "\u001b";

/** White space, and what windows-1252 leaves undefined. */
const KEPT_CONTROLS = /[\t\n\f\r\u0080-\u009f]/;

const windows1252 = new TextDecoder("windows-1252");

/** The mended text. Lines are mended one by one; with the first `<` the text counts as HTML, whose references stay. */
export function fixText(text: string): string {
  let isHtml = false;
  return text
    .split(/(?<=\n)/)
    .map((line) => {
      isHtml ||= line.includes("<");
      return fixLine(line, !isHtml);
    })
    .join("");
}

/** Until nothing changes any more: one fix may make room for another. */
function fixLine(line: string, isPlain: boolean): string {
  let fixed = line;
  for (let before = ""; before !== fixed; ) {
    before = fixed;
    fixed = fixOnce(isPlain ? unescapeUnambiguous(fixed) : fixed);
  }
  return fixed;
}

function fixOnce(text: string): string {
  return text
    .replace(/[\u0080-\u009f]/g, (c) => windows1252.decode(Uint8Array.of(c.charCodeAt(0))))
    .replace(/./gsu, (c) => LIGATURES[c] ?? c)
    .replace(/[\u3000\uff01-\uffef]/g, (c) => c.normalize("NFKC"))
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/\r\n|[\r\u2028\u2029]/g, "\n")
    .toWellFormed()
    .replace(/(\p{Cc})\[[\d;]*[a-zA-Z]/gu, (whole, c) => (c === ESCAPE ? "" : whole))
    .replace(/[\p{Cc}\u206a-\u206f\ufeff\ufff9-\ufffc]/gu, (c) => (KEPT_CONTROLS.test(c) ? c : ""))
    .normalize("NFC");
}

/** References that end in a semicolon and mean one thing only, also where all was turned to capitals (`&EACUTE;`). */
function unescapeUnambiguous(text: string): string {
  return text.replace(/&#?[0-9A-Za-z]{1,24};/g, (reference) => {
    if (reference.startsWith("&#")) {
      const character = unescapeHtml(reference);
      return character.includes(";") ? reference : character;
    }
    const character = namedCharacter(reference);
    if (character !== undefined) return character;
    if (reference !== reference.toUpperCase() || unescapeHtml(reference) !== reference) return reference;
    return namedCharacter(reference.toLowerCase())?.toUpperCase() ?? reference;
  });
}
