/** Prompts → the conditioning of each guidance branch, by the text encoders or from the cache of what they made before. */

import { flopsOf } from "./bundle/flops.ts";
import type { TextEncoderManifest } from "./bundle/manifest-text.ts";
import type { Bundle } from "./bundle/read.ts";
import type { Branch } from "./cache/contract.ts";
import { branchesOfRun } from "./denoisers.ts";
import type { EmbeddingCache, Embeddings } from "./embeddings.ts";
import type { Conditioning } from "./inputs.ts";
import type { RunHooks } from "./progress.ts";
import type { HostTensor, SegmentBackend, State, TensorHandle } from "./segments/contract.ts";
import type { Settings } from "./settings.ts";
import { encodeText, type Tokenizer } from "./text.ts";
import type { Tokens } from "./tokenizer.ts";
import type { GraphTrace } from "./trace.ts";

/** What encoding needs; tokenizers in the order of the bundle's encoders. */
export interface Encoding {
  readonly bundle: Bundle;
  readonly backend: SegmentBackend;
  readonly tokenizers: readonly Tokenizer[];
  readonly cache?: EmbeddingCache | undefined;
}

export interface Encoded {
  /** The caller releases it. */
  readonly conditioning: Conditioning;
  readonly graphs: readonly GraphTrace[];
  readonly notices: readonly string[];
  /** How many texts the cache had, each counted once for every encoder. */
  readonly cached: number;
}

/**
 * Runs every text encoder for each branch.
 * @throws MixcacheError `aborted`, or what the backend says; then nothing is left to release.
 */
export async function encodePrompts(
  encoding: Encoding,
  settings: Settings,
  hooks: RunHooks,
): Promise<Encoded> {
  const { bundle, backend, tokenizers } = encoding;
  const { text_encoders } = bundle.manifest;
  const conditioning: Partial<Record<Branch, State>> = {};
  const graphs: GraphTrace[] = [];
  const notices: string[] = [];
  let cached = 0;
  try {
    for (const branch of branchesOfRun(bundle.manifest, settings)) {
      const prompt = branch === "cond" ? settings.prompt : settings.negativePrompt;
      for (const [i, encoder] of text_encoders.entries()) {
        const tokens = tokenizers[i]?.(prompt);
        if (!tokens) continue;
        notices.push(...noticesOf(tokens, branch));
        const { values, known } = await valuesOf(encoding, encoder, tokens, hooks, graphs);
        conditioning[branch] = { ...conditioning[branch], ...values };
        if (known) cached += 1;
      }
    }
  } catch (error) {
    for (const state of Object.values(conditioning)) backend.release(state);
    throw error;
  }
  return { conditioning, graphs, notices, cached };
}

async function valuesOf(
  { bundle, backend, cache }: Encoding,
  encoder: TextEncoderManifest,
  tokens: Tokens,
  hooks: RunHooks,
  graphs: GraphTrace[],
): Promise<{ values: State; known: boolean }> {
  const key = { bundle: bundle.digest, encoder: encoder.id, ids: tokens.ids, length: tokens.length };
  const asked = tokens.ids.length > 0 ? cache : undefined;
  const found = await asked?.get(key);
  if (found) return { values: await upload(backend, found), known: true };
  const flops = flopsOf(encoder.flops, { tokens: 0, text: tokens.ids.length });
  const values = await encodeText(backend, encoder, tokens, {
    ...(hooks.signal && { signal: hooks.signal }),
    onGraph: (id, durationMs) => graphs.push({ id, durationMs, flops }),
  });
  await asked?.put(key, await read(backend, values));
  return { values, known: false };
}

async function read(backend: SegmentBackend, values: State): Promise<Embeddings> {
  const embeddings: Record<string, HostTensor> = {};
  for (const [name, handle] of Object.entries(values)) embeddings[name] = await backend.read(handle);
  return embeddings;
}

async function upload(backend: SegmentBackend, embeddings: Embeddings): Promise<State> {
  const state: Record<string, TensorHandle> = {};
  for (const [name, tensor] of Object.entries(embeddings)) state[name] = await backend.upload(tensor);
  return state;
}

function noticesOf({ unknownWords, droppedWords }: Tokens, branch: Branch): string[] {
  const which = branch === "cond" ? "prompt" : "negative prompt";
  const quoted = (words: readonly string[]) => words.map((word) => `“${word}”`).join(", ");
  const notices: string[] = [];
  if (unknownWords.length)
    notices.push(`The model doesn't know ${quoted(unknownWords)}; the ${which} was used without.`);
  if (droppedWords.length)
    notices.push(
      `The ${which} is longer than the model reads; from ${quoted(droppedWords.slice(0, 1))} on it was cut.`,
    );
  return notices;
}
