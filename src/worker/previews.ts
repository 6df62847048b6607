/** The previews of an attempt: each stored under the attempt's key, then reported. A preview is never worth a video. */

import type { Taken } from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import type { Progress } from "../node/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import { storePreview } from "./results.ts";
import type { Watch } from "./watch.ts";

/** What an engine shows of a video that it is at. */
export type Preview = Extract<Progress, { readonly phase: "preview" }>;

interface PreviewParts {
  readonly store: ObjectStore;
  readonly log: Log;
  readonly taken: Taken;
  readonly watch: Pick<Watch, "note">;
}

export class AttemptPreviews {
  readonly #parts: PreviewParts;
  #stored: Promise<void> = Promise.resolve();
  #spentMs = 0;

  constructor(parts: PreviewParts) {
    this.#parts = parts;
  }

  /** How long the engine was busy with them: nobody's to pay. */
  get spentMs(): number {
    return this.#spentMs;
  }

  /** Takes one on; its event comes when its file is there. */
  add(preview: Preview): void {
    this.#spentMs += preview.durationMs;
    this.#stored = this.#stored.then(() => this.#store(preview));
  }

  /** Resolves when all that were taken on are stored and reported. Never rejects. */
  done(): Promise<void> {
    return this.#stored;
  }

  async #store({ step, frame }: Preview): Promise<void> {
    const { store, log, taken, watch } = this.#parts;
    try {
      const { key } = await storePreview(store, taken, step + 1, frame);
      watch.note({ type: "preview", data: { step: step + 1, key } });
    } catch (error) {
      log.warn({ video: taken.video.id, step, error }, "a preview could not be stored");
    }
  }
}
