/** Against Python: `python/parity/text.py` writes what ftfy, html.unescape and diffusers' pipelines make of prompts. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { type TextEncoderManifest, textEncoder } from "./bundle/manifest-text.ts";
import { encoderText } from "./text-clean.ts";
import { byteTokens } from "./tokenizer-bytes.ts";
import { parseSubwordTokenizer, subwordTokens } from "./tokenizer-subword.ts";

type Texts = Readonly<Record<string, string>>;

const reference: {
  readonly fix_text: Texts;
  readonly unescape_html: Texts;
  readonly prompt_clean: Texts;
  readonly misdecoded: Texts;
  readonly quoted: Readonly<Record<string, string | null>>;
  readonly bytes: Readonly<Record<string, readonly number[]>>;
  readonly tokenizer: unknown;
  readonly ids: Readonly<Record<string, readonly number[]>>;
} = JSON.parse(readFileSync(path.join(import.meta.dirname, "../../test/fixtures/text.json"), "utf8"));

function encoder(rules: Partial<TextEncoderManifest>): TextEncoderManifest {
  return textEncoder.parse({
    id: "text",
    tokenizer: { kind: "bytes", offset: 3, end_id: 1 },
    max_tokens: 256,
    pad: "none",
    graph: "text.onnx",
    inputs: { ids: "ids" },
    outputs: {},
    flops: {},
    ...rules,
  });
}

describe("cleaning, as Python does it", () => {
  it.each(Object.entries(reference.fix_text))("fix_text %j", (text, expected) => {
    expect(encoderText(encoder({ clean: ["fix_text"] }), text)).toBe(expected);
  });

  it.each(Object.entries(reference.unescape_html))("unescape_html %j", (text, expected) => {
    expect(encoderText(encoder({ clean: ["unescape_html"] }), text)).toBe(expected);
  });

  it.each(Object.entries(reference.prompt_clean))("all of a pipeline's cleaning %j", (text, expected) => {
    const clean = ["fix_text", "unescape_html", "unescape_html", "join_spaces"] as const;
    expect(encoderText(encoder({ clean: [...clean] }), text)).toBe(expected);
  });

  it.each(Object.entries(reference.misdecoded))(
    "%j stays as it is, where ftfy guesses at %j",
    (text, guess) => {
      expect(guess).not.toBe(text);
      const mine = encoderText(encoder({ clean: ["fix_text"] }), text);
      expect(mine).not.toBe(guess);
    },
  );
});

describe("quoted parts only", () => {
  it.each(Object.entries(reference.quoted))("%j", (text, expected) => {
    expect(encoderText(encoder({ quoted: 'Text "{text}". ' }), text) ?? null).toBe(expected);
  });

  it("takes signs that mean something in a replacement as they are", () => {
    const rules = encoder({ quoted: "<{text}>", template: "say {prompt}!" });
    expect(encoderText(rules, '"$& {prompt} $1"')).toBe("say <$& {prompt} $1>!");
  });
});

describe("an empty prompt", () => {
  it("has a stand-in, also where cleaning leaves nothing", () => {
    const rules = encoder({ clean: ["join_spaces"], empty: " ", template: "[{prompt}]" });
    expect([encoderText(rules, ""), encoderText(rules, " \n"), encoderText(rules, "a")]).toEqual([
      "[ ]",
      "[ ]",
      "[a]",
    ]);
  });
});

describe("ids of bytes", () => {
  const kind = { offset: 3, end_id: 1, pad_id: 0 };

  it.each(Object.entries(reference.bytes))("%j", (text, ids) => {
    expect(byteTokens(kind, text, 12, false).ids).toEqual(ids);
  });

  it("pads to the end and says what it dropped", () => {
    expect(byteTokens(kind, "ab", 4, true)).toMatchObject({
      ids: [100, 101, 1, 0],
      length: 3,
      droppedWords: [],
    });
    expect(byteTokens(kind, "abcd", 4, true)).toMatchObject({ ids: [100, 101, 102, 1], droppedWords: ["d"] });
  });
});

describe("spaces before SentencePiece's model", () => {
  const tokenizer = parseSubwordTokenizer(JSON.stringify(reference.tokenizer));

  it.each(Object.entries(reference.ids))("%j", (text, ids) => {
    expect(subwordTokens(tokenizer, text, 64, undefined).ids).toEqual(ids);
  });
});
