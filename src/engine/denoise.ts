/** The denoising loop: noise → latents, one scheduler step after another, as the policy plans it. */

import { MixcacheError } from "../errors.ts";
import { flopsOf } from "./bundle/flops.ts";
import type { DenoiserManifest } from "./bundle/manifest.ts";
import type { Bundle } from "./bundle/read.ts";
import type { Branch, CachePolicy } from "./cache/contract.ts";
import { cutMap, tokenCounts } from "./cuts.ts";
import { guide } from "./host-math.ts";
import { type Conditioning, Inputs } from "./inputs.ts";
import type { RunHooks } from "./progress.ts";
import { createScheduler } from "./schedulers/index.ts";
import type { SegmentBackend, State } from "./segments/contract.ts";
import type { Settings } from "./settings.ts";
import { type BranchTrace, type GraphTrace, type StepTrace, sumFlops } from "./trace.ts";

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
 */
export async function denoise(
  bundle: Bundle,
  backend: SegmentBackend,
  policy: CachePolicy,
  settings: Settings,
  conditioning: Conditioning,
  noise: Float32Array,
  hooks: RunHooks,
): Promise<DenoiseResult> {
  const { denoisers } = bundle.manifest;
  const scheduler = createScheduler(settings.scheduler, settings.steps);
  let denoiser = denoiserAt(denoisers, scheduler.sigmas[0] ?? 1);
  const branches = branchesOf(denoiser, settings.guidanceScale);
  const sizes = tokenCounts(settings.shape.tokens, conditioning.cond ?? {});
  const { cuts, shareUpTo } = cutMap(denoiser, sizes);
  const { steps, guidanceScale } = settings;
  const run = policy.start({ steps, sigmas: scheduler.sigmas, branches, guidanceScale, cuts, shareUpTo });
  const inputs = new Inputs(bundle.manifest, backend, settings, conditioning);
  const trace: StepTrace[] = [];
  let latents = noise;
  try {
    for (let index = 0; index < steps; index++) {
      const started = performance.now();
      const sigma = scheduler.sigmas[index] ?? 0;
      const serving = denoiserAt(denoisers, sigma);
      if (serving !== denoiser) {
        run.event({ kind: "denoiser_switch", step: index, from: denoiser.id, to: serving.id });
        denoiser = serving;
      }
      const plan = run.plan({
        index,
        sigma,
        sigmaNext: scheduler.sigmas[index + 1] ?? 0,
        denoiser: denoiser.id,
      });
      const step = await inputs.ofStep(
        denoiser,
        { sigma, timestep: scheduler.timesteps[index] ?? 0 },
        latents,
      );
      const outputs: Partial<Record<Branch, Float32Array>> = {};
      const traced: BranchTrace[] = [];
      try {
        for (const [position, branch] of branches.entries()) {
          const progress = (part: number) => (index + (position + part) / branches.length) / steps;
          const values = { ...step, ...(await inputs.ofRun(denoiser, branch)) };
          const { output, graphs } = await predict(
            backend,
            denoiser,
            values,
            settings.shape.tokens,
            hooks,
            (part) => hooks.onProgress?.({ phase: "denoise", step: index, steps, fraction: progress(part) }),
          );
          outputs[branch] = output;
          traced.push({ branch, plan: "full", graphs });
        }
      } finally {
        backend.release(step);
      }
      latents = scheduler.step(index, guided(outputs, guidanceScale), latents);
      run.observe({ index, branches: plan.kind === "run" ? plan.branches : {}, refreshed: [], scalars: [] });
      const flops = sumFlops(traced.flatMap(({ graphs }) => graphs));
      trace.push({
        index,
        sigma,
        denoiser: denoiser.id,
        branches: traced,
        flops,
        fullFlops: flops,
        durationMs: performance.now() - started,
      });
    }
  } finally {
    inputs.release();
  }
  return { latents, steps: trace };
}

/** One whole forward pass. */
async function predict(
  backend: SegmentBackend,
  denoiser: DenoiserManifest,
  values: State,
  tokens: number,
  { signal }: RunHooks,
  onPart: (part: number) => void,
): Promise<{ output: Float32Array; graphs: GraphTrace[] }> {
  const { segments } = denoiser;
  const sizes = tokenCounts(tokens, values);
  const graphs: GraphTrace[] = [];
  const produced = await backend.run(
    { kind: "segments", denoiser: denoiser.id, from: 0, to: segments.length },
    values,
    {
      ...(signal && { signal }),
      onGraph: (id, durationMs) => {
        const segment = segments[graphs.length];
        graphs.push({ id, durationMs, flops: segment ? flopsOf(segment.flops, sizes) : 0 });
        onPart(graphs.length / segments.length);
      },
    },
  );
  try {
    const name = Object.keys(produced).find((key) => denoiser.values[key]?.kind === "output") ?? "";
    const handle = produced[name];
    if (!handle) throw new MixcacheError("engine_failed", `Denoiser ${denoiser.id} gave no output.`);
    const { data } = await backend.read(handle);
    if (!(data instanceof Float32Array))
      throw new MixcacheError("engine_failed", `The output ${name} must be float32.`);
    return { output: data, graphs };
  } finally {
    backend.release(produced);
  }
}

function guided(
  { cond, uncond }: Partial<Record<Branch, Float32Array>>,
  guidanceScale: number,
): Float32Array {
  if (!cond) throw new MixcacheError("engine_failed", "The conditional branch was not computed.");
  return uncond ? guide(cond, uncond, guidanceScale) : cond;
}
