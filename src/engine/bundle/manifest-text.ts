/** The text encoders' part of a manifest: prompt to conditioning. */

import { z } from "zod";
import { count, file, flops, index, name } from "./manifest-parts.ts";

const textOutput = z.strictObject({
  value: name.describe("The prompt value this output becomes."),
  rule: z
    .enum(["as_is", "trim", "zero_pad"])
    .describe("as_is: all tokens. trim: only the prompt's own. zero_pad: zeros beyond the prompt's own."),
  channels: count.optional().describe("Its last dimension; needed where a prompt may give no tokens at all."),
});

const tokenizer = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("words"), file }).describe("A list of words, see docs/bundle-format.md."),
  z
    .strictObject({
      kind: z.literal("huggingface"),
      file,
      pad_id: index.default(0).describe("The id that fills up to max_tokens."),
    })
    .describe("The tokenizer.json of Hugging Face's tokenizers."),
  z
    .strictObject({
      kind: z.literal("bytes"),
      offset: index.describe("The id of byte 0; the others follow."),
      end_id: index.describe("The id that ends every text."),
      pad_id: index.default(0),
    })
    .describe("One id for each byte of the text in UTF-8."),
]);

export const textEncoder = z
  .strictObject({
    id: name,
    tokenizer,
    clean: z
      .array(z.enum(["fix_text", "unescape_html", "join_spaces"]))
      .default([])
      .describe("What is done to a prompt first, in this order."),
    quoted: z
      .string()
      .includes("{text}")
      .optional()
      .describe("The encoder reads only the quoted parts of a prompt, each in the place of {text}."),
    empty: z.string().default("").describe("Stands for an empty prompt."),
    template: z.string().default("{prompt}"),
    crop_start: index.default(0).describe("Leading tokens of the template that are dropped from the output."),
    max_tokens: count.describe("Tokens that the graph gets at the most, the template's among them."),
    pad: z.enum(["to_max", "none"]),
    graph: file,
    inputs: z.strictObject({ ids: z.string(), mask: z.string().optional() }),
    outputs: z.record(z.string(), textOutput),
    flops,
  })
  .describe("Text to conditioning; run once per prompt and then unloaded where memory is short.");

export type TextEncoderManifest = z.infer<typeof textEncoder>;
