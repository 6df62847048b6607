/**
 * The embeddings' folder of an engine whose parent may have what the folder lacks; for negative prompts alone. A prompt
 * is nobody's but the caller's: nothing of it is asked for or told.
 */

import type { EmbeddingCache, EmbeddingKey, Embeddings } from "../engine/embeddings.ts";
import type { EmbeddingFolder } from "./embedding-cache.ts";
import { readEmbeddings } from "./embedding-file.ts";
import type { FromChild, NegativeName } from "./protocol.ts";

type Told = Extract<FromChild, { type: "negative_wanted" | "negative_used" }>;

export class SharedNegatives implements EmbeddingCache {
  readonly #folder: EmbeddingFolder;
  readonly #tell: (message: Told) => void;
  /** By encoder: what this run has asked for first, which is its prompt. */
  readonly #prompts = new Map<string, string>();
  readonly #waiting = new Map<string, (bytes: Uint8Array | undefined) => void>();

  /** @param tell speaks to the parent, which answers every `negative_wanted` by `answer` */
  constructor(folder: EmbeddingFolder, tell: (message: Told) => void) {
    this.#folder = folder;
    this.#tell = tell;
  }

  /** A run begins. Its engine asks each encoder's prompt first, then the negative one. */
  begin(): void {
    this.#prompts.clear();
  }

  async get(key: EmbeddingKey): Promise<Embeddings | undefined> {
    const of = this.#negative(key, true);
    const known = await this.#folder.get(key);
    if (!of) return known;
    const found = known ?? (await this.#fetch(of, key));
    if (found) this.#tell({ type: "negative_used", of });
    return found;
  }

  async put(key: EmbeddingKey, embeddings: Embeddings): Promise<void> {
    await this.#folder.put(key, embeddings);
    const of = this.#negative(key, false);
    if (of) this.#tell({ type: "negative_used", of });
  }

  /** The parent's answer. */
  answer(name: string, bytes: Uint8Array | undefined): void {
    this.#waiting.get(name)?.(bytes);
    this.#waiting.delete(name);
  }

  /** Undefined for a prompt, and for a negative prompt that says the same. */
  #negative(key: EmbeddingKey, asks: boolean): NegativeName | undefined {
    const name = this.#folder.nameOf(key);
    const prompt = this.#prompts.get(key.encoder);
    if (prompt === undefined && asks) this.#prompts.set(key.encoder, name);
    return prompt === undefined || prompt === name ? undefined : { bundle: key.bundle, name };
  }

  async #fetch(of: NegativeName, key: EmbeddingKey): Promise<Embeddings | undefined> {
    const bytes = await new Promise<Uint8Array | undefined>((resolve) => {
      this.#waiting.set(of.name, resolve);
      this.#tell({ type: "negative_wanted", of });
    });
    const found = bytes && readEmbeddings(bytes);
    if (found) await this.#folder.put(key, found);
    return found;
  }
}
