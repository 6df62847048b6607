/** One prompt's share of a calibration: a clean run that is recorded, then disturbed ones from the same noise. */

import type { Manifest } from "../bundle/manifest.ts";
import { type Granularity, middleBlocks, partOf, usable } from "../cache/mixcache/granularity.ts";
import { cutsOf } from "../cuts.ts";
import { branchesOf } from "../denoisers.ts";
import { reduceHost } from "../host-math.ts";
import type { Subject } from "../pipeline.ts";
import { guidanceOf, type Settings } from "../settings.ts";
import { MEASURED_FORMAT, type Measured } from "./measured.ts";
import { DISTURBANCE, disturbing, probeSteps } from "./probes.ts";
import { createRecorder, type RecorderOptions } from "./recorder.ts";

export interface MeasureOptions {
  /** The longest reuse, in steps, whose cost is measured. So many results of each kind are kept. */
  readonly lags: number;
  /** Whether to find out what errors cost at the end, which takes most of the time. */
  readonly impacts: boolean;
}

/**
 * Measures one prompt.
 * @param onFraction how much is done, 0 to 1
 * @throws MixcacheError `bundle_unsupported` where streams that should be disturbed are not float32, `aborted`, or
 * what the backend says
 */
export async function measure(
  subject: Subject,
  options: MeasureOptions,
  onFraction: (fraction: number) => void = () => {},
): Promise<Measured> {
  const { manifest, settings } = subject;
  const recorded = recorderOptions(manifest, settings, options.lags);
  const { granularities, range } = recorded;
  const { steps } = settings;
  const probes = options.impacts ? probeSteps(steps) : [];
  const inAll = stepsToMeasure(manifest, settings, options);
  let done = 0;
  const run = async (...[policy, hooks = {}]: Parameters<Subject["run"]>) => {
    const given = hooks.given?.length ?? 0;
    const result = await subject.run(policy, {
      ...hooks,
      onProgress: (progress) => {
        if (progress.phase === "denoise") onFraction((done + progress.fraction * steps - given) / inAll);
      },
    });
    done += steps - given;
    return result;
  };

  const recorder = createRecorder(recorded);
  const velocities: Float32Array[] = [];
  const remember = { onVelocity: (velocity: Float32Array) => velocities.push(velocity) };
  const clean = await run(recorder.policy, probes.length > 0 ? remember : {});
  const impacts: Record<string, Measured["impacts"][Granularity]> = {};
  for (const granularity of probes.length > 0 ? granularities : []) {
    const values: number[] = [];
    for (const probe of probes) {
      const policy = disturbing(
        granularity,
        partOf(granularity, range),
        probe,
        seedOf(subject.settings, probe),
      );
      const { latents } = await run(policy, { given: velocities.slice(0, probe) });
      values.push(relativeL2(latents, clean.latents) / DISTURBANCE);
    }
    impacts[granularity] = { steps: [...probes], values };
  }
  return {
    format: MEASURED_FORMAT,
    ...recorder.measured(),
    ...(range && { block_range: [...range] }),
    impacts,
  };
}

/** How many steps the model has to run for one prompt: a disturbed run begins with its disturbance. */
export function stepsToMeasure(manifest: Manifest, settings: Settings, options: MeasureOptions): number {
  const { steps } = settings;
  if (!options.impacts) return steps;
  const { granularities } = recorderOptions(manifest, settings, options.lags);
  return steps + granularities.length * probeSteps(steps).reduce((sum, probe) => sum + steps - probe, 0);
}

/** What of a bundle can be measured with these settings. */
function recorderOptions(manifest: Manifest, settings: Settings, lags: number): RecorderOptions {
  const range = middleBlocks(manifest.denoisers.map(cutsOf));
  const guided = manifest.denoisers.every(
    (denoiser) => branchesOf(denoiser, guidanceOf(settings, denoiser)).length > 1,
  );
  const [first, ...others] = manifest.denoisers.map(({ signals }) => Object.keys(signals));
  return {
    granularities: usable(undefined, { guided, range, title: manifest.title }),
    range,
    signals: (first ?? []).filter((signal) => others.every((names) => names.includes(signal))),
    lags: Math.min(lags, Math.max(1, settings.steps - 1)),
  };
}

/** Every prompt, step and branch is disturbed by a noise of its own; its low digits are for branches and streams. */
function seedOf({ seed }: Settings, probe: number): number {
  return (Number(seed % 1_000_000n) * 10_000 + probe) * 100;
}

function relativeL2(a: Float32Array, b: Float32Array): number {
  return reduceHost("l2", a, b, a.length) / Math.sqrt(reduceHost("dot", b, b, b.length));
}
