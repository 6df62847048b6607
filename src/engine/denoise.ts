/** The denoising loop: noise → latents, one scheduler step after another, as the policy plans it. */

import { MixcacheError } from "../errors.ts";
import type { DenoiserManifest } from "./bundle/manifest.ts";
import type { Bundle } from "./bundle/read.ts";
import type { Branch, CachePolicy } from "./cache/contract.ts";
import { checkRequirements } from "./cache/requirements.ts";
import { cutsOf, shareUpTo, tokenCounts } from "./cuts.ts";
import { type Conditioning, Inputs } from "./inputs.ts";
import type { RunHooks } from "./progress.ts";
import { createScheduler } from "./schedulers/index.ts";
import type { SegmentBackend } from "./segments/contract.ts";
import type { Settings } from "./settings.ts";
import { StepExecutor } from "./step-executor.ts";
import type { StepTrace } from "./trace.ts";

export interface DenoiseHooks extends RunHooks {
  /** Awaited when a denoiser has served its last step and another takes over. */
  readonly onDenoiserDone?: (denoiser: DenoiserManifest) => Promise<void>;
}

export interface DenoiseResult {
  /** Clean latents, [1, channels, frames, height, width] or as the bundle lays them out. */
  readonly latents: Float32Array;
  readonly steps: readonly StepTrace[];
}

/** The branches that a run needs: a guidance scale of 1 makes the unconditional one superfluous. */
export function branchesOf(denoiser: DenoiserManifest, guidanceScale: number): readonly Branch[] {
  return denoiser.guidance.kind === "cfg" && guidanceScale !== 1 ? ["cond", "uncond"] : ["cond"];
}

/** The expert that serves a noise level. */
export function denoiserAt(denoisers: readonly DenoiserManifest[], sigma: number): DenoiserManifest {
  const found = denoisers.find(({ noise_levels: [from, to] }) => sigma >= from && (sigma < to || to === 1));
  if (!found) throw new MixcacheError("bundle_invalid", `No denoiser serves the noise level ${sigma}.`);
  return found;
}

/**
 * Runs the loop.
 * @param noise the initial latents; not changed.
 * @throws MixcacheError `bundle_unsupported` where the policy needs what bundle or backend lack.
 */
export async function denoise(
  { manifest }: Bundle,
  backend: SegmentBackend,
  policy: CachePolicy,
  settings: Settings,
  conditioning: Conditioning,
  noise: Float32Array,
  hooks: DenoiseHooks,
): Promise<DenoiseResult> {
  const { steps, guidanceScale } = settings;
  for (const denoiser of manifest.denoisers) checkRequirements(policy, denoiser, backend.capabilities);
  const scheduler = createScheduler(settings.scheduler, steps);
  const { sigmas } = scheduler;
  let denoiser = denoiserAt(manifest.denoisers, sigmas[0] ?? 1);
  const first = denoiser;
  const branches = branchesOf(denoiser, guidanceScale);
  const sizes = tokenCounts(denoiser, settings.shape.tokens, conditioning.cond ?? {});
  const run = policy.start({
    steps,
    sigmas,
    branches,
    guidanceScale,
    cuts: cutsOf(denoiser),
    shareUpTo: (cut) => shareUpTo(first, sizes, cut),
  });
  const inputs = new Inputs(manifest, backend, settings, conditioning);
  const executor = new StepExecutor(backend, settings, inputs, policy.requires, branches, hooks);
  const trace: StepTrace[] = [];
  let latents = noise;
  try {
    for (let index = 0; index < steps; index++) {
      const started = performance.now();
      const sigma = sigmas[index] ?? 0;
      const serving = denoiserAt(manifest.denoisers, sigma);
      if (serving !== denoiser) {
        executor.forget();
        run.event({ kind: "denoiser_switch", step: index, from: denoiser.id, to: serving.id });
        await hooks.onDenoiserDone?.(denoiser);
        denoiser = serving;
      }
      const info = { index, sigma, sigmaNext: sigmas[index + 1] ?? 0, denoiser: denoiser.id };
      const { velocity, ...done } = await executor.step(
        denoiser,
        run,
        info,
        scheduler.timesteps[index] ?? 0,
        latents,
      );
      latents = scheduler.step(index, velocity, latents);
      trace.push({ index, sigma, denoiser: denoiser.id, ...done, durationMs: performance.now() - started });
    }
  } finally {
    executor.forget();
    inputs.release();
  }
  return { latents, steps: trace };
}
