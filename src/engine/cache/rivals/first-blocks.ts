/** The bundle's cuts, as the methods that probe the first blocks want them. */

import { invalid } from "../../../errors.ts";
import { sharedCutsOf } from "../../cuts.ts";
import type { ReusablePart } from "../contract.ts";
import type { PolicyContext } from "../definition.ts";

/** The residual of the blocks between two cuts. */
export function blocks(from: number, to: number): ReusablePart {
  return { kind: "blocks", from, to };
}

/** How many blocks the bundle's denoisers have. */
export function lastCut({ manifest }: PolicyContext): number {
  return sharedCutsOf(manifest).at(-1) ?? 0;
}

/**
 * The cut after the first blocks: the one that was asked for, else the last that lies neither beyond `published`
 * blocks nor beyond a third of all, else the first there is.
 * @throws MixcacheError `invalid_argument` where the bundle has no such cut
 */
export function probeCut(
  field: string,
  asked: number | undefined,
  published: number,
  context: PolicyContext,
): number {
  const last = lastCut(context);
  const cuts = sharedCutsOf(context.manifest).filter((cut) => cut > 0 && cut < last);
  const found =
    asked === undefined
      ? (cuts.findLast((cut) => cut <= Math.min(published, last / 3)) ?? cuts[0])
      : cuts.find((cut) => cut === asked);
  return (
    found ??
    invalid(
      field,
      cuts.length === 0
        ? `${context.manifest.title} can't be stopped between its blocks, which this policy does. Choose another policy.`
        : `${field} is ${asked}; ${context.manifest.title} can be stopped after ${cuts.join(", ")} blocks. Choose one of these.`,
    )
  );
}
