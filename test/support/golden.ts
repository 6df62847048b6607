/** Reference tensors that Python wrote: `golden.json` says what lies where in `golden.bin`. */

import { readFileSync } from "node:fs";
import path from "node:path";

export interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

interface Table {
  readonly tensors: Readonly<Record<string, { readonly offset: number; readonly dims: readonly number[] }>>;
}

/** What `golden.json` says of the run, and its tensors by name. */
export function readGolden<About>(folder: string): {
  readonly about: About;
  readonly tensor: (name: string) => Tensor;
} {
  const about: About & Table = JSON.parse(readFileSync(path.join(folder, "golden.json"), "utf8"));
  const bytes = readFileSync(path.join(folder, "golden.bin"));
  const tensor = (name: string): Tensor => {
    const entry = about.tensors[name];
    if (!entry) throw new Error(`${folder}/golden.json has no tensor ${name}`);
    const length = entry.dims.reduce((product, dim) => product * dim, 1);
    const copy = bytes.subarray(entry.offset, entry.offset + length * 4).slice();
    return { dims: entry.dims, data: new Float32Array(copy.buffer, copy.byteOffset, length) };
  };
  return { about, tensor };
}

/** The largest difference, in units of the reference's largest value or of 1, whichever is more. */
export function relativeDifference(mine: ArrayLike<number>, theirs: Float32Array): number {
  if (mine.length !== theirs.length) return Number.POSITIVE_INFINITY;
  const scale = theirs.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
  return theirs.reduce((worst, x, i) => Math.max(worst, Math.abs((mine[i] ?? Number.NaN) - x)), 0) / scale;
}

/** The largest absolute difference. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
  return largest;
}
