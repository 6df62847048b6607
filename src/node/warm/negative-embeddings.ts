/**
 * Text embeddings of negative prompts in an object store, for machines that have not seen them: the model's own default,
 * and those that several accounts use again and again. What only one of them writes stays on the machine.
 */

import { readFile } from "node:fs/promises";
import type { Log } from "../../logging.ts";
import type { ObjectStore } from "../../storage/index.ts";
import type { NegativeSource } from "../child.ts";
import { embeddingFile } from "../embedding-cache.ts";
import type { NegativeName } from "../protocol.ts";
import { readObject, type Timing, within } from "./objects.ts";

export interface NegativeEmbeddingsOptions {
  readonly store: Pick<ObjectStore, "get" | "putIfAbsent">;
  /** Where the engine keeps embeddings. */
  readonly folder: string;
  /** Whether frequent ones are added to the store. */
  readonly writeBack: boolean;
  readonly timing: Timing;
  readonly log: Log;
}

/** Where a negative prompt's embeddings lie in a store. The name is the one that they have in every folder. */
export function embeddingObject({ bundle, name }: NegativeName): string {
  return `embeddings/${bundle}/${name}.bin`;
}

/** Videos and accounts that make a negative prompt a frequent one. */
const FREQUENT_VIDEOS = 5;
const FREQUENT_ACCOUNTS = 2;
/** Names that are counted at a time; the frequent ones are soon there again. */
const MOST_COUNTED = 10_000;
/** Several encoders of a thousand tokens and some thousand channels. */
const MAX_BYTES = 64 * 2 ** 20;
const TIMEOUT_MS = 2000;
/** A store that failed is left alone for so long: encoding a text takes less than waiting for it. */
const AGAIN_MS = 60_000;

interface Use {
  videos: number;
  readonly accounts: Set<string>;
}

export class NegativeEmbeddings implements NegativeSource {
  readonly #options: NegativeEmbeddingsOptions;
  readonly #uses = new Map<string, Use>();
  readonly #shared = new Set<string>();
  #video: { readonly account: string; readonly isDefault: boolean } | undefined;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: NegativeEmbeddingsOptions) {
    this.#options = options;
  }

  /** A video begins: whose it is, and whether its negative prompt is the model's default. */
  begin(account: string, isDefault: boolean): void {
    this.#video = { account, isDefault };
  }

  async get(of: NegativeName): Promise<Uint8Array | undefined> {
    const { store, timing, log } = this.#options;
    if (timing.nowMs() < this.#notBeforeMs) return undefined;
    try {
      const found = await within(timing, TIMEOUT_MS, readObject(store, embeddingObject(of), MAX_BYTES));
      if (found) this.#shared.add(of.name);
      return found?.bytes;
    } catch (error) {
      this.#notBeforeMs = timing.nowMs() + AGAIN_MS;
      log.warn({ error }, "embeddings could not be had from the store; the text is encoded here");
      return undefined;
    }
  }

  used(of: NegativeName): void {
    const video = this.#video;
    if (!this.#options.writeBack || !video || this.#shared.has(of.name)) return;
    if (this.#uses.size >= MOST_COUNTED) this.#uses.clear();
    const use = this.#uses.get(of.name) ?? { videos: 0, accounts: new Set<string>() };
    this.#uses.set(of.name, use);
    use.videos++;
    use.accounts.add(video.account);
    const isFrequent = use.videos >= FREQUENT_VIDEOS && use.accounts.size >= FREQUENT_ACCOUNTS;
    if (!video.isDefault && !isFrequent) return;
    this.#shared.add(of.name);
    this.#writing = this.#writing.then(() => this.#share(of));
  }

  /** Resolves when all that is to be added to the store is, or has failed. */
  flush(): Promise<void> {
    return this.#writing;
  }

  async #share(of: NegativeName): Promise<void> {
    const { store, folder, log } = this.#options;
    try {
      await store.putIfAbsent(embeddingObject(of), await readFile(embeddingFile(folder, of.name)));
    } catch (error) {
      // With the next video that uses them.
      this.#shared.delete(of.name);
      log.warn({ error }, "the embeddings of a negative prompt could not be written to the store");
    }
  }
}
