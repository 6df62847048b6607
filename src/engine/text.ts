/** Prompt → token ids → conditioning. */

import { MixcacheError } from "../errors.ts";
import type { TextEncoderManifest } from "./bundle/manifest-text.ts";
import type { Bundle } from "./bundle/read.ts";
import type { RunOptions, SegmentBackend, State, TensorHandle } from "./segments/contract.ts";
import { encoderText } from "./text-clean.ts";
import { parseWordVocabulary, type Tokens, wordTokens } from "./tokenizer.ts";
import { byteTokens } from "./tokenizer-bytes.ts";

/** Turns a text into ids by the encoder's own rules. */
export type Tokenizer = (text: string) => Tokens;

/** Nothing of the text is for this encoder. */
const NO_TOKENS: Tokens = { ids: [], length: 0, unknownWords: [], droppedWords: [] };

/** Reads an encoder's tokenizer from the bundle. */
export async function loadTokenizer(bundle: Bundle, encoder: TextEncoderManifest): Promise<Tokenizer> {
  const tokenize = await readTokenizer(bundle, encoder);
  return (prompt) => {
    const text = encoderText(encoder, prompt);
    return text === undefined ? NO_TOKENS : tokenize(text);
  };
}

async function readTokenizer({ files }: Bundle, encoder: TextEncoderManifest): Promise<Tokenizer> {
  const { tokenizer, max_tokens } = encoder;
  const pads = encoder.pad === "to_max";
  if (tokenizer.kind === "bytes") return (text) => byteTokens(tokenizer, text, max_tokens, pads);
  const { file } = tokenizer;
  const bytes = await files.read(file);
  if (!bytes)
    throw new MixcacheError(
      "bundle_file_missing",
      `The tokenizer ${file} is missing from ${files.location}.`,
    );
  const json = new TextDecoder().decode(bytes);
  try {
    if (tokenizer.kind === "words") {
      const vocabulary = parseWordVocabulary(json);
      return (text) => wordTokens(vocabulary, text, max_tokens, encoder.pad);
    }
    // A large package, which a page whose model knows words need not load.
    const { parseSubwordTokenizer, subwordTokens } = await import("./tokenizer-subword.ts");
    const subwords = parseSubwordTokenizer(json);
    return (text) => subwordTokens(subwords, text, max_tokens, pads ? tokenizer.pad_id : undefined);
  } catch (cause) {
    const what = tokenizer.kind === "words" ? "a list of words" : "one of Hugging Face's tokenizers";
    throw new MixcacheError(
      "bundle_invalid",
      `The tokenizer ${file} is not ${what}. Export the bundle again.`,
      { cause },
    );
  }
}

/**
 * Runs one text encoder.
 * @returns the prompt values that the manifest names, in the backend; the caller releases them.
 */
export async function encodeText(
  backend: SegmentBackend,
  encoder: TextEncoderManifest,
  tokens: Tokens,
  options: RunOptions,
): Promise<State> {
  if (tokens.ids.length === 0) return emptyValues(backend, encoder);
  const dims = [1, tokens.ids.length];
  const state: Record<string, TensorHandle> = {};
  const ints = (values: readonly number[]) => BigInt64Array.from(values, BigInt);
  const inputs: Record<string, string> = { [encoder.inputs.ids]: "ids" };
  state.ids = await backend.upload({ dtype: "int64", dims, data: ints(tokens.ids) });
  if (encoder.inputs.mask) {
    inputs[encoder.inputs.mask] = "mask";
    state.mask = await backend.upload({
      dtype: "int64",
      dims,
      data: ints(tokens.ids.map((_, i) => (i < tokens.length ? 1 : 0))),
    });
  }
  const outputs = Object.fromEntries(
    Object.entries(encoder.outputs).map(([name, { value }]) => [name, value]),
  );
  try {
    const raw = await backend.run({ kind: "graph", graph: encoder.graph, inputs, outputs }, state, options);
    return await applyRules(backend, encoder, tokens, raw);
  } finally {
    backend.release(state);
  }
}

/** What an encoder gives for a text without tokens, for which no graph runs: [1, 0, channels]. */
async function emptyValues(backend: SegmentBackend, { outputs }: TextEncoderManifest): Promise<State> {
  const state: Record<string, TensorHandle> = {};
  for (const { value, channels = 0 } of Object.values(outputs)) {
    state[value] = await backend.upload({
      dtype: "float32",
      dims: [1, 0, channels],
      data: new Float32Array(0),
    });
  }
  return state;
}

/** Crops the template's tokens and trims or zeroes what lies beyond the text. */
async function applyRules(
  backend: SegmentBackend,
  encoder: TextEncoderManifest,
  tokens: Tokens,
  raw: State,
): Promise<State> {
  const result: Record<string, TensorHandle> = { ...raw };
  for (const { value, rule } of Object.values(encoder.outputs)) {
    const handle = raw[value];
    if (!handle || (rule === "as_is" && encoder.crop_start === 0) || handle.dims.length !== 3) continue;
    const { data, dtype } = await backend.read(handle);
    const channels = handle.dims[2] ?? 1;
    const end = rule === "trim" ? tokens.length : (handle.dims[1] ?? 0);
    const kept = data.slice(encoder.crop_start * channels, end * channels);
    if (rule === "zero_pad") zero(kept, (tokens.length - encoder.crop_start) * channels);
    backend.release({ [value]: handle });
    result[value] = await backend.upload({
      dtype,
      dims: [1, end - encoder.crop_start, channels],
      data: kept,
    });
  }
  return result;
}

function zero(data: Float32Array | Uint16Array | BigInt64Array, from: number): void {
  if (data instanceof BigInt64Array) data.fill(0n, from);
  else data.fill(0, from);
}
