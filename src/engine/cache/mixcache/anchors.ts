/** Which steps' results are kept: predictions name steps, the contract wants ages. */

import type { Branch, Kept, Part } from "../contract.ts";

/** One kept quantity: a part of a branch. */
export interface Track {
  readonly part: Part;
  readonly branch: Branch;
}

const keyOf = ({ part, branch }: Track) => `${branch}/${part.kind}`;

export class Anchors {
  readonly #depth: number;
  #steps = new Map<string, readonly number[]>();

  constructor(depth: number) {
    this.#depth = depth;
  }

  /** This step's result is kept. */
  add(track: Track, step: number): void {
    this.#steps.set(keyOf(track), [step, ...this.of(track)].slice(0, this.#depth));
  }

  /** The steps whose results are kept, newest first: their places are their ages. */
  of(track: Track): readonly number[] {
    return this.#steps.get(keyOf(track)) ?? [];
  }

  /** The result of a step as the contract names it, or undefined where it is kept no longer. */
  kept(track: Track, step: number): Kept | undefined {
    const age = this.of(track).indexOf(step);
    return age < 0 ? undefined : { ...track, age };
  }

  clear(): void {
    this.#steps.clear();
  }
}
