/** Can this policy run on this bundle and backend? Asked before a run. */

import { MixcacheError } from "../../errors.ts";
import type { DenoiserManifest } from "../bundle/manifest.ts";
import { cutsOf } from "../cuts.ts";
import type { BackendCapabilities } from "../segments/contract.ts";
import type { CachePolicy, Part } from "./contract.ts";

/** @throws MixcacheError `bundle_unsupported` that names the cut, signal or partition that is missing. */
export function checkRequirements(
  { name, requires }: CachePolicy,
  denoiser: DenoiserManifest,
  capabilities: BackendCapabilities,
): void {
  const refuse = (need: string): never => {
    throw new MixcacheError(
      "bundle_unsupported",
      `The cache policy ${name} needs ${need}, which denoiser ${denoiser.id} on ${capabilities.name} does not have. Choose another policy.`,
    );
  };
  const cuts = cutsOf(denoiser);
  for (const signal of requires.signals)
    if (!Object.hasOwn(denoiser.signals, signal)) refuse(`the signal ${signal}`);
  for (const cut of [...requires.cuts, ...requires.keep.flatMap(({ part }) => cutsOfPart(part))]) {
    if (!cuts.includes(cut)) refuse(`a cut after block ${cut}`);
    if (!capabilities.cuts) refuse("cuts");
  }
  const modules = requires.keep.flatMap(({ part }) => (part.kind === "modules" ? part.modules : []));
  for (const module of modules) {
    if (!capabilities.modules || !denoiser.modules.some((step) => step.module === module))
      refuse(`the module ${module}`);
  }
  if (requires.keep.some(({ part }) => part.kind === "guidance_delta") && denoiser.guidance.kind !== "cfg") {
    refuse("classifier-free guidance");
  }
}

function cutsOfPart(part: Part): number[] {
  return part.kind === "blocks" || part.kind === "modules" ? [part.from, part.to] : [];
}
