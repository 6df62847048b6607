/** Text embeddings kept between runs: a prompt that was seen before needs no text encoder. */

import type { HostTensor } from "./segments/contract.ts";

/** What an encoder's values depend on, besides the engine that computes them. */
export interface EmbeddingKey {
  /** Digest of the bundle: its weights, graphs and rules of the text. */
  readonly bundle: string;
  readonly encoder: string;
  readonly ids: readonly number[];
  /** How many of the ids are the text's own. */
  readonly length: number;
}

/** An encoder's prompt values by name, its rules applied. */
export type Embeddings = Readonly<Record<string, HostTensor>>;

/**
 * Keeps embeddings. Whoever opens a cache for an engine makes sure that it never answers with another engine's values,
 * since those differ in their last bits. Neither method rejects: a cache that fails is a cache without an answer.
 */
export interface EmbeddingCache {
  get(key: EmbeddingKey): Promise<Embeddings | undefined>;
  put(key: EmbeddingKey, embeddings: Embeddings): Promise<void>;
}
