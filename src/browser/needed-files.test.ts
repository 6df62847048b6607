import { describe, expect, it } from "vitest";
import { shapesManifest } from "../../test/support/policies.ts";
import { neededFiles } from "./needed-files.ts";

describe("what a video needs of a bundle", () => {
  const needed = neededFiles(shapesManifest);

  it("is the tokenizer, each graph of a plain run and their weights, once", () => {
    expect(needed).toEqual(expect.arrayContaining(["tokenizer.json", "text.onnx", "text.bin", "front.onnx"]));
    expect(needed).toEqual(expect.arrayContaining(["block_7.onnx", "block_7.bin", "decoder_next.onnx"]));
    expect(new Set(needed).size).toBe(needed.length);
    expect(needed.every((file) => file in shapesManifest.files)).toBe(true);
  });

  it("is neither the whole model in one graph nor the finer partition", () => {
    expect(needed.filter((file) => /whole|_attn|_ff/.test(file))).toEqual([]);
  });
});
