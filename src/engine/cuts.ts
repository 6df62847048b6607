/** The cuts of a denoiser: places between segments where a run can stop, be changed and go on. */

import { flopsOf, type TokenCounts } from "./bundle/flops.ts";
import type { DenoiserManifest } from "./bundle/manifest.ts";
import type { State } from "./segments/contract.ts";

export interface CutMap {
  /** Numbers of blocks done at each cut, from 0 to all blocks. */
  readonly cuts: readonly number[];
  /** The segment that starts at a cut; segments without blocks before the first block end at cut 0. */
  readonly segmentAt: (cut: number) => number;
  /** Share of a branch's FLOPs that lies before a cut. */
  readonly shareUpTo: (cut: number) => number;
}

/** Derives the cuts from the segments' block ranges. */
export function cutMap(denoiser: DenoiserManifest, sizes: TokenCounts): CutMap {
  const { segments } = denoiser;
  const cuts = [...new Set(segments.flatMap(({ blocks: [from, to] }) => [from, to]))].sort((a, b) => a - b);
  const flops = segments.map((segment) => flopsOf(segment.flops, sizes));
  const total = flops.reduce((sum, f) => sum + f, 0);
  const segmentAt = (cut: number) => {
    const found = segments.findIndex(({ blocks: [from, to] }) => from === cut && to > cut);
    // After the last block only the head is left: the first segment that starts where the blocks end.
    return found >= 0
      ? found
      : segments.findIndex(({ blocks: [from, to] }) => from === cut && to === cut && cut > 0);
  };
  const shareUpTo = (cut: number) => flops.slice(0, segmentAt(cut)).reduce((sum, f) => sum + f, 0) / total;
  return { cuts, segmentAt, shareUpTo };
}

/** DiT and text tokens of a run; the text tokens are those of the longest three-dimensional prompt value. */
export function tokenCounts(tokens: number, prompt: State): TokenCounts {
  const lengths = Object.values(prompt).map(({ dims }) => (dims.length === 3 ? (dims[1] ?? 0) : 0));
  return { tokens, text: Math.max(0, ...lengths) };
}
