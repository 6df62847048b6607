/** One request that follows one video: what it stands at, and a wait for the next change. */

import type { Jobs, Standing, VideoRow } from "../../jobs/index.ts";
import type { ApiOptions } from "../context.ts";

export interface FollowingParts {
  readonly jobs: Pick<Jobs, "watch">;
  readonly wait: ApiOptions["wait"];
  /** Aborted when nobody listens any more. */
  readonly gone: AbortSignal;
}

/** Follows a video until it is closed. */
export class Following {
  readonly #parts: FollowingParts;
  readonly #unwatch: () => void;
  #standing: Standing | undefined;
  #wake = new AbortController();

  /** @param row the video as it was read just before */
  constructor(parts: FollowingParts, row: VideoRow) {
    this.#parts = parts;
    this.#standing = row;
    this.#unwatch = parts.jobs.watch(row.id, (standing) => {
      // What was read before the row is old news.
      if (standing && standing.lastEvent < (this.#standing?.lastEvent ?? 0)) return;
      this.#standing = standing;
      this.#wake.abort();
    });
  }

  /** How the video stands; undefined where it was deleted. */
  get standing(): Standing | undefined {
    return this.#standing;
  }

  /** Resolves when something changed since the last call, after so long, or when nobody listens any more. */
  async change(ms: number): Promise<void> {
    const { wait, gone } = this.#parts;
    if (!this.#wake.signal.aborted) await wait(ms, AbortSignal.any([this.#wake.signal, gone]));
    this.#wake = new AbortController();
  }

  close(): void {
    this.#unwatch();
  }
}

/** Whether nothing can happen to it any more. */
export function isOver({ status }: Pick<Standing, "status">): boolean {
  return status === "completed" || status === "failed";
}
