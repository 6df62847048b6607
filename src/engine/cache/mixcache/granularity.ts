/** What a step may reuse, and which of these a run can use at all. */

import { invalid } from "../../../errors.ts";
import type { Branch, ReusablePart, RunInfo } from "../contract.ts";

/** The whole step, the unconditional branch, or a range of blocks. */
export type Granularity = "step" | "cfg" | "block";

export const GRANULARITIES: readonly Granularity[] = ["step", "cfg", "block"];

/** Blocks whose residual is reused: from the first up to the second; both are cuts of every denoiser. */
export type BlockRange = readonly [from: number, to: number];

/** What is kept for a granularity. */
export function partOf(granularity: Granularity, range: BlockRange | undefined): ReusablePart {
  if (granularity === "step") return { kind: "output" };
  if (granularity === "cfg") return { kind: "guidance_delta" };
  return { kind: "blocks", from: range?.[0] ?? 0, to: range?.[1] ?? 0 };
}

/**
 * The middle range of the blocks whose residual changes least from step to step: all but the first tenth and the last
 * twentieth, moved to the nearest cuts that all denoisers have. Undefined where no such range is left.
 */
export function middleBlocks(cutsOfDenoisers: readonly (readonly number[])[]): BlockRange | undefined {
  const [first = [], ...others] = cutsOfDenoisers;
  const cuts = first.filter((cut) => others.every((other) => other.includes(cut)));
  const blocks = cuts.at(-1) ?? 0;
  const nearest = (wanted: number, among: readonly number[]) =>
    among.toSorted((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted))[0];
  const inner = cuts.filter((cut) => cut > 0);
  const from = nearest(Math.max(1, Math.ceil(0.1 * blocks)), inner);
  if (from === undefined) return undefined;
  const to = nearest(
    blocks - Math.ceil(0.05 * blocks),
    inner.filter((cut) => cut > from && cut < blocks),
  );
  return to === undefined ? undefined : [from, to];
}

/**
 * The granularities that a model can use, of those asked for: without classifier-free guidance there is no `cfg`,
 * without inner cuts no `block`. Blocks are reused only where they are asked for: what is kept of them is large.
 * @throws MixcacheError `invalid_argument` where one was asked for by name that the model can't use, or none is left.
 */
export function usable(
  wanted: readonly Granularity[] | undefined,
  can: { readonly guided: boolean; readonly range: BlockRange | undefined; readonly title: string },
): readonly Granularity[] {
  const possible = GRANULARITIES.filter(
    (g) => g === "step" || (g === "cfg" ? can.guided : can.range !== undefined),
  );
  const missing = wanted?.find((g) => !possible.includes(g));
  if (missing) {
    const why =
      missing === "cfg" ? "runs without classifier-free guidance" : "has no cuts between its blocks";
    invalid(
      "cache.granularities",
      `${can.title} ${why} here, so “${missing}” can't be cached. Choose among ${possible.join(", ")}.`,
    );
  }
  // Each once: what is kept twice in a step would be its own predecessor.
  return wanted ? possible.filter((g) => wanted.includes(g)) : possible;
}

/** What a step costs that reuses a granularity, in units of one full step. */
export function costOf(granularity: Granularity, run: RunInfo, range: BlockRange | undefined): number {
  if (granularity === "step") return 0;
  if (granularity === "cfg") return 1 - 1 / run.branches.length;
  const shareUpTo = run.denoisers[0]?.shareUpTo;
  return shareUpTo && range ? 1 - (shareUpTo(range[1]) - shareUpTo(range[0])) : 1;
}

/** The branches in which a granularity is kept. */
export function branchesOf(granularity: Granularity, branches: readonly Branch[]): readonly Branch[] {
  return granularity === "cfg" ? ["uncond"] : branches;
}

/** What may be reused where a step that reuses may cost so much at most: one set for each cost there is. */
export function menusOf(
  granularities: readonly Granularity[],
  cost: (granularity: Granularity) => number,
): readonly (readonly Granularity[])[] {
  const limits = new Set(granularities.map(cost));
  return [...limits].map((limit) => granularities.filter((granularity) => cost(granularity) <= limit));
}
