import { describe, expect, it } from "vitest";
import { parseWordVocabulary, wordTokens } from "./tokenizer.ts";

const json = {
  kind: "words",
  words: ["<pad>", "<null>", "<start>", "<unknown>", "a", "red", "ball"],
  pad: "<pad>",
  null: "<null>",
  start: "<start>",
};
const vocabulary = parseWordVocabulary(JSON.stringify(json));

describe("wordTokens", () => {
  it("begins with the start token and pads to the end", () => {
    expect(wordTokens(vocabulary, "A red, BALL!", 6, "to_max")).toEqual({
      ids: [2, 4, 5, 6, 0, 0],
      length: 4,
      unknownWords: [],
      droppedWords: [],
    });
  });

  it("leaves out words that the model doesn't know, and names each once", () => {
    const tokens = wordTokens(vocabulary, "a shiny shiny red zébra", 6, "none");
    expect(tokens.ids).toEqual([2, 4, 5]);
    expect(tokens.unknownWords).toEqual(["shiny", "zébra"]);
  });

  it.each(["", "  ", "???", "unheard of"])("a text without a known word (%j) is the null prompt", (text) => {
    expect(wordTokens(vocabulary, text, 6, "none").ids).toEqual([2, 1]);
  });

  it("names what does not fit", () => {
    const tokens = wordTokens(vocabulary, "a red ball a red ball", 4, "to_max");
    expect(tokens.ids).toEqual([2, 4, 5, 6]);
    expect(tokens.droppedWords).toEqual(["a", "red", "ball"]);
  });

  it("special words can't be typed", () => {
    expect(wordTokens(vocabulary, "<pad> <start>", 6, "none").ids).toEqual([2, 1]);
  });
});

describe("parseWordVocabulary", () => {
  it.each([
    ["no JSON", "{"],
    ["another kind", JSON.stringify({ ...json, kind: "bpe" })],
    ["a special word that is none of the words", JSON.stringify({ ...json, start: "<begin>" })],
  ])("refuses %s", (_, text) => {
    expect(() => parseWordVocabulary(text)).toThrow();
  });
});
