/** The cuts of a denoiser: places between segments where a run can stop, be changed and go on. */

import { flopsOf, type TokenCounts } from "./bundle/flops.ts";
import type { DenoiserManifest, Manifest } from "./bundle/manifest.ts";
import type { State } from "./segments/contract.ts";

/** Numbers of blocks done at each cut, from 0 to all blocks, as the segments' block ranges give them. */
export function cutsOf({ segments }: DenoiserManifest): readonly number[] {
  return [...new Set(segments.flatMap(({ blocks }) => blocks))].sort((a, b) => a - b);
}

/** The cuts that every denoiser of a bundle has; a policy keeps the same parts of all of them. */
export function sharedCutsOf({ denoisers }: Manifest): readonly number[] {
  const [first = [], ...others] = denoisers.map(cutsOf);
  return first.filter((cut) => others.every((cuts) => cuts.includes(cut)));
}

/** How many blocks a denoiser has. */
export function blockCount({ segments }: DenoiserManifest): number {
  return segments.at(-1)?.blocks[1] ?? 0;
}

/**
 * The index of the segment that follows a cut: the first that begins there with a block, or, after the last
 * block, the first that comes after all blocks.
 */
export function segmentAt({ segments }: DenoiserManifest, cut: number): number {
  const next = segments.findIndex(({ blocks: [from, to] }) => from === cut && to > cut);
  return next >= 0 ? next : segments.findLastIndex(({ blocks: [from, to] }) => to > from && to === cut) + 1;
}

/** Share of a branch's FLOPs that lies before a cut. */
export function shareUpTo(denoiser: DenoiserManifest, sizes: TokenCounts, cut: number): number {
  const flops = denoiser.segments.map((segment) => flopsOf(segment.flops, sizes));
  const sum = (part: readonly number[]) => part.reduce((total, f) => total + f, 0);
  return sum(flops.slice(0, segmentAt(denoiser, cut))) / sum(flops);
}

/** DiT and text tokens of a run; texts are the three-dimensional prompt values. */
export function tokenCounts({ values }: DenoiserManifest, tokens: number, state: State): TokenCounts {
  const texts: Record<string, number> = {};
  for (const [name, { dims }] of Object.entries(state)) {
    if (values[name]?.kind === "prompt" && dims.length === 3) texts[name] = dims[1] ?? 0;
  }
  return { tokens, text: Math.max(0, ...Object.values(texts)), texts };
}
