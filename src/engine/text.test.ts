import { describe, expect, it } from "vitest";
import { toyBundle } from "../../test/support/toy-bundle.ts";
import { ToyDecoder } from "../../test/support/toy-decoder.ts";
import { flopsOf } from "./bundle/flops.ts";
import { tokenCounts } from "./cuts.ts";
import { encodeText, loadTokenizer } from "./text.ts";

/** The toy's encoder, reading only what is quoted. */
function quotedEncoder() {
  const bundle = { ...toyBundle(), digest: "" };
  const [encoder] = bundle.manifest.text_encoders;
  if (!encoder) throw new Error("no text encoder");
  encoder.tokenizer = { kind: "bytes", offset: 3, end_id: 1, pad_id: 0 };
  encoder.quoted = 'Text "{text}". ';
  encoder.outputs = { context: { value: "context", rule: "trim", channels: 4 } };
  return { bundle, encoder };
}

describe("an encoder of quoted parts", () => {
  it("gives no tokens for a prompt without any, and then runs no graph", async () => {
    const { bundle, encoder } = quotedEncoder();
    const tokens = (await loadTokenizer(bundle, encoder))("a red cat");
    expect(tokens.ids).toEqual([]);
    const backend = new ToyDecoder([1, 1, 1]);
    const state = await encodeText(backend, encoder, tokens, {
      onGraph: () => {
        throw new Error("a graph ran");
      },
    });
    expect(Object.entries(state).map(([name, { dims }]) => [name, dims])).toEqual([["context", [1, 0, 4]]]);
    backend.release(state);
    expect(backend.held).toBe(0);
  });
});

describe("FLOPs of texts", () => {
  const { bundle } = quotedEncoder();
  const [denoiser] = bundle.manifest.denoisers;
  if (!denoiser) throw new Error("no denoiser");
  denoiser.values.glyphs = { kind: "prompt", dims: [1, "glyphs", 4], dtype: "float32" };
  const handle = (dims: number[]) => ({ dtype: "float32", dims }) as const;
  const sizes = tokenCounts(denoiser, 10, {
    context: handle([1, 8, 4]),
    glyphs: handle([1, 3, 4]),
    hidden: handle([1, 99, 4]),
  });
  const flops = { constant: 0, tokens: 0, tokens_squared: 0, text: 1, tokens_text: 0, text_squared: 0 };

  it.each<[string, string[] | undefined, number]>([
    ["the longest, if nothing is said", undefined, 8],
    ["the sum of those that are named", ["context", "glyphs"], 11],
    ["one alone", ["glyphs"], 3],
  ])("T is %s", (_, texts, expected) => {
    expect(flopsOf({ ...flops, ...(texts && { texts }) }, sizes)).toBe(expected);
  });
});
