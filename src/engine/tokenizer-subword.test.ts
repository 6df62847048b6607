import { describe, expect, it } from "vitest";
import { parseSubwordTokenizer, subwordTokens } from "./tokenizer-subword.ts";

/** Words and letters, with a special token before the text and one behind it. */
const json = JSON.stringify({
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [special(0, "<pad>"), special(1, "<s>"), special(2, "</s>")],
  normalizer: null,
  pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
  post_processor: {
    type: "TemplateProcessing",
    single: [place("<s>"), { Sequence: { id: "A", type_id: 0 } }, place("</s>")],
    pair: [],
    special_tokens: {
      "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] },
      "</s>": { id: "</s>", ids: [2], tokens: ["</s>"] },
    },
  },
  decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
  model: {
    type: "Unigram",
    unk_id: 3,
    vocab: [
      ["<pad>", 0],
      ["<s>", 0],
      ["</s>", 0],
      ["<unk>", 0],
      ["▁", -6],
      ["▁red", -3],
      ["▁ball", -3.1],
      ["s", -8],
    ],
  },
});

function special(id: number, content: string) {
  return { id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
}

function place(id: string) {
  return { SpecialToken: { id, type_id: 0 } };
}

const tokenizer = parseSubwordTokenizer(json);

describe("subwordTokens", () => {
  it("special tokens come around the text, the padding behind", () => {
    expect(subwordTokens(tokenizer, "red balls", 8, 0)).toEqual({
      ids: [1, 5, 6, 7, 2, 0, 0, 0],
      length: 5,
      unknownWords: [],
      droppedWords: [],
    });
  });

  it("a text that is too long loses its end, not its special tokens, and says what it lost", () => {
    const tokens = subwordTokens(tokenizer, "red red ball", 4, 0);
    expect(tokens.ids).toEqual([1, 5, 5, 2]);
    expect(tokens.droppedWords.map((words) => words.trim())).toEqual(["ball"]);
  });

  it("an empty text is its special tokens; without a pad id nothing is filled up", () => {
    expect(subwordTokens(tokenizer, "", 8, undefined).ids).toEqual([1, 2]);
  });
});

describe("parseSubwordTokenizer", () => {
  it.each([
    ["no JSON", "{"],
    ["JSON without a model", JSON.stringify({ kind: "words" })],
  ])("refuses %s", (_, text) => {
    expect(() => parseSubwordTokenizer(text)).toThrow();
  });
});

describe("byte-pair encoding", () => {
  const bytePairs = parseSubwordTokenizer(
    JSON.stringify({
      version: "1.0",
      added_tokens: [special(4, "<s>")],
      normalizer: null,
      pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      model: { type: "BPE", vocab: { r: 0, e: 1, d: 2, re: 3, Ġ: 5 }, merges: [["r", "e"]] },
    }),
  );

  it("the vocabulary, an object there, reaches the library whole", () => {
    expect(subwordTokens(bytePairs, "<s>red re", 8, undefined).ids).toEqual([4, 3, 2, 5, 3]);
  });
});
