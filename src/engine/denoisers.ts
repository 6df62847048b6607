/** The denoisers of a run: which one serves which steps, with which branches and how strongly guided. */

import { MixcacheError } from "../errors.ts";
import type { DenoiserManifest, Manifest } from "./bundle/manifest.ts";
import type { Branch, DenoiserInfo } from "./cache/contract.ts";
import { cutsOf, shareUpTo, tokenCounts } from "./cuts.ts";
import type { Conditioning } from "./inputs.ts";
import { type Scheduler, TRAIN_TIMESTEPS } from "./schedulers/contract.ts";
import { guidanceOf, type Settings } from "./settings.ts";

/** A denoiser and the steps that it serves. */
export interface Serving {
  readonly manifest: DenoiserManifest;
  readonly info: DenoiserInfo;
}

/** The branches that a denoiser needs: a guidance scale of 1 makes the unconditional one superfluous. */
export function branchesOf(denoiser: DenoiserManifest, guidanceScale: number): readonly Branch[] {
  return denoiser.guidance.kind === "cfg" && guidanceScale !== 1 ? ["cond", "uncond"] : ["cond"];
}

/** The branches that any denoiser of a run needs. */
export function branchesOfRun({ denoisers }: Manifest, settings: Settings): readonly Branch[] {
  const needed = denoisers.flatMap((denoiser) => branchesOf(denoiser, guidanceOf(settings, denoiser)));
  return [...new Set(needed)];
}

/**
 * The denoiser that serves a timestep (0 to 1000). It is the timestep that decides, as the scheduler tells it to the
 * model, and not the noise level: UniPC's timesteps have no fraction, so that the two may be on different sides of a
 * boundary. diffusers compares float32 numbers.
 */
export function denoiserAt(denoisers: readonly DenoiserManifest[], timestep: number): DenoiserManifest {
  const place = (level: number) => Math.fround(level * TRAIN_TIMESTEPS);
  const found = denoisers.find(
    ({ noise_levels: [from, to] }) => timestep >= place(from) && (timestep < place(to) || to === 1),
  );
  if (!found) throw new MixcacheError("bundle_invalid", `No denoiser serves the timestep ${timestep}.`);
  return found;
}

/** The denoisers that serve a run's steps, one after the other. */
export function servingOf(
  manifest: Manifest,
  settings: Settings,
  { timesteps }: Pick<Scheduler, "timesteps">,
  conditioning: Conditioning,
): readonly Serving[] {
  const serving: Serving[] = [];
  const ofSteps = timesteps.map((timestep) => denoiserAt(manifest.denoisers, timestep));
  for (let from = 0; from < ofSteps.length; ) {
    const denoiser = ofSteps[from] as DenoiserManifest;
    const change = ofSteps.findIndex((other, index) => index > from && other !== denoiser);
    const to = change === -1 ? ofSteps.length : change;
    const guidanceScale = guidanceOf(settings, denoiser);
    const sizes = tokenCounts(denoiser, settings.shape.tokens, conditioning.cond ?? {});
    const info: DenoiserInfo = {
      id: denoiser.id,
      steps: [from, to],
      branches: branchesOf(denoiser, guidanceScale),
      guidanceScale,
      cuts: cutsOf(denoiser),
      shareUpTo: (cut) => shareUpTo(denoiser, sizes, cut),
    };
    serving.push({ manifest: denoiser, info });
    from = to;
  }
  return serving;
}
