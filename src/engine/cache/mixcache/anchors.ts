/** Which steps' results are kept: predictions name steps, the contract wants ages. */

import type { Branch, Kept, Part } from "../contract.ts";

/** One kept quantity: a part of a branch. */
export interface Track {
  readonly part: Part;
  readonly branch: Branch;
}

export class Anchors {
  readonly #depth: number;
  /** By branch and kind of part: of each kind a run keeps one part. */
  #steps: Partial<Record<Branch, Partial<Record<Part["kind"], readonly number[]>>>> = {};

  constructor(depth: number) {
    this.#depth = depth;
  }

  /** This step's result is kept. */
  add(track: Track, step: number): void {
    const { part, branch } = track;
    const steps = [step, ...this.of(track)].slice(0, this.#depth);
    this.#steps[branch] = { ...this.#steps[branch], [part.kind]: steps };
  }

  /** The steps whose results are kept, newest first: their places are their ages. */
  of({ part, branch }: Track): readonly number[] {
    return this.#steps[branch]?.[part.kind] ?? [];
  }

  /** The result of a step as the contract names it, or undefined where it is kept no longer. */
  kept(track: Track, step: number): Kept | undefined {
    const age = this.of(track).indexOf(step);
    return age < 0 ? undefined : { ...track, age };
  }

  clear(): void {
    this.#steps = {};
  }
}
