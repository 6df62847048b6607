/** The denoising loop: noise → latents, one scheduler step after another, as the policy plans it. */

import type { DenoiserManifest } from "./bundle/manifest.ts";
import type { Bundle } from "./bundle/read.ts";
import type { CachePolicy, RunInfo } from "./cache/contract.ts";
import { type RecordedRun, recordRun } from "./cache/recorded-run.ts";
import { checkRequirements } from "./cache/requirements.ts";
import { branchesOfRun, servingOf } from "./denoisers.ts";
import { type Conditioning, Inputs } from "./inputs.ts";
import type { Progress, RunHooks } from "./progress.ts";
import { createScheduler } from "./schedulers/index.ts";
import type { SegmentBackend } from "./segments/contract.ts";
import type { Settings } from "./settings.ts";
import { StepExecutor } from "./step-executor.ts";
import { type StepTrace, stepMode } from "./trace.ts";

export interface DenoiseHooks extends RunHooks {
  /** Awaited when a denoiser has served its last step and another takes over. */
  readonly onDenoiserDone?: (denoiser: DenoiserManifest) => Promise<void>;
  /** The velocity by which each step moves the latents, in order. */
  readonly onVelocity?: (velocity: Float32Array) => void;
  /** Takes the clean latents that the model predicts at the steps that it wants; awaited before the next step. */
  readonly preview?: {
    readonly wants: (step: number) => boolean;
    readonly show: (step: number, clean: Float32Array) => Promise<void>;
  };
  /**
   * Velocities of the first steps, as another run from the same noise had them. They are taken as they are: neither
   * model nor policy is asked, and the trace begins after them. For calibration.
   */
  readonly given?: readonly Float32Array[];
}

export interface DenoiseResult {
  /** Clean latents, [1, channels, frames, height, width] or as the bundle lays them out. */
  readonly latents: Float32Array;
  /** What the policy was told of the run. */
  readonly run: RecordedRun;
  readonly steps: readonly StepTrace[];
  /** The most bytes of kept results at one time. */
  readonly cacheBytesPeak: number;
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
  const { steps } = settings;
  for (const denoiser of manifest.denoisers) checkRequirements(policy, denoiser, backend.capabilities);
  const scheduler = createScheduler(settings.scheduler, steps);
  const { sigmas, timesteps } = scheduler;
  const serving = servingOf(manifest, settings, scheduler, conditioning);
  const info: RunInfo = {
    steps,
    scheduler: scheduler.kind,
    sigmas,
    timesteps,
    branches: branchesOfRun(manifest, settings),
    denoisers: serving.map(({ info: served }) => served),
  };
  const run = policy.start(info);
  const inputs = new Inputs(manifest, backend, settings, conditioning);
  const executor = new StepExecutor(backend, settings, inputs, policy.requires, hooks);
  const trace: StepTrace[] = [];
  let latents = noise;
  try {
    for (const [place, denoiser] of serving.entries()) {
      const { id, steps: served } = denoiser.info;
      const before = serving[place - 1];
      if (before) {
        executor.forget();
        run.event({ kind: "denoiser_switch", step: served[0], from: before.info.id, to: id });
        await hooks.onDenoiserDone?.(before.manifest);
      }
      for (let index = served[0]; index < served[1]; index++) {
        const known = hooks.given?.[index];
        if (known) {
          latents = scheduler.step(index, known, latents);
          continue;
        }
        const started = performance.now();
        const sigma = sigmas[index] ?? 0;
        const step = { index, sigma, sigmaNext: sigmas[index + 1] ?? 0, denoiser: id };
        const { velocity, ...done } = await executor.step(
          denoiser,
          run,
          step,
          timesteps[index] ?? 0,
          latents,
        );
        hooks.onVelocity?.(velocity);
        const clean = hooks.preview?.wants(index) && scheduler.clean(index, velocity, latents);
        latents = scheduler.step(index, velocity, latents);
        const made = { index, sigma, denoiser: id, ...done, durationMs: performance.now() - started };
        trace.push(made);
        hooks.onProgress?.(finishedStep(made, steps));
        if (clean) await hooks.preview?.show(index, clean);
      }
    }
  } finally {
    executor.forget();
    inputs.release();
  }
  return { latents, run: recordRun(info), steps: trace, cacheBytesPeak: executor.cacheBytesPeak };
}

function finishedStep(step: StepTrace, steps: number): Progress {
  const { index, flops, fullFlops } = step;
  const finished = { mode: stepMode(step), flops, fullFlops };
  return { phase: "denoise", step: index, steps, fraction: (index + 1) / steps, finished };
}
