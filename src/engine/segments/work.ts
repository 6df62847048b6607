/** Which graphs a piece of work stands for; the same for every backend. */

import { MixcacheError } from "../../errors.ts";
import type { DenoiserManifest, Manifest } from "../bundle/manifest.ts";
import type { Bindings, Work } from "./contract.ts";

/** One graph to run, with the id that it has in traces. */
export interface GraphRun {
  readonly id: string;
  readonly graph: string;
  readonly inputs: Bindings;
  readonly outputs: Bindings;
}

/** @throws MixcacheError `bundle_invalid` where the bundle has no such denoiser */
function denoiserOf(manifest: Manifest, id: string): DenoiserManifest {
  const found = manifest.denoisers.find((denoiser) => denoiser.id === id);
  if (!found) throw new MixcacheError("bundle_invalid", `The bundle has no denoiser ${id}.`);
  return found;
}

/** The graphs of a piece of work in the order in which they run. @throws MixcacheError `bundle_invalid` */
export function graphsOfWork(manifest: Manifest, work: Work): readonly GraphRun[] {
  if (work.kind === "graph") return [{ id: work.graph, ...work }];
  const denoiser = denoiserOf(manifest, work.denoiser);
  if (work.kind === "segments") return denoiser.segments.slice(work.from, work.to);
  const step = denoiser.modules[work.index];
  if (!step)
    throw new MixcacheError("bundle_invalid", `Denoiser ${work.denoiser} has no module ${work.index}.`);
  return [{ id: `${step.module}_${step.block}`, ...step[work.part] }];
}
