/** One request on one backend, with every scalar that its policy decided by: what two backends are compared by. */

import type { Bundle } from "../../src/engine/bundle/read.ts";
import type { CachePolicy, Measurement, RunInfo, StepPlan } from "../../src/engine/cache/contract.ts";
import { decode } from "../../src/engine/decode.ts";
import { denoise } from "../../src/engine/denoise.ts";
import { randn } from "../../src/engine/random.ts";
import type { SegmentBackend, State } from "../../src/engine/segments/contract.ts";
import type { Settings } from "../../src/engine/settings.ts";
import { latentDims } from "../../src/engine/shape.ts";
import { encodeText, loadTokenizer } from "../../src/engine/text.ts";
import type { StepTrace } from "../../src/engine/trace.ts";

/** A scalar that a policy was told before it decided, and what it had asked. */
export interface Heard {
  readonly about: string;
  readonly value: number;
}

/** What is compared of a run. */
export interface LiveRun {
  readonly steps: readonly StepTrace[];
  /** By step: the scalars before its decision; `StepTrace.scalars` has those after it, too. */
  readonly heard: readonly (readonly Heard[])[];
  readonly latents: Float32Array;
  /** Bytes. */
  readonly frames: ArrayLike<number>;
}

/** What a run is made of, beside its policy. */
export interface LiveRequest {
  readonly settings: Settings;
  readonly prompt: string;
  readonly negativePrompt: string | null;
}

/** Makes the video. `info` is what the policy was told of the run. */
export async function liveRun(
  bundle: Bundle,
  backend: SegmentBackend,
  policy: CachePolicy,
  { settings, prompt, negativePrompt }: LiveRequest,
): Promise<LiveRun & { readonly info: RunInfo }> {
  const noise = randn(settings.seed, latentDims(bundle.manifest, settings.shape));
  const cond = await encodeAll(bundle, backend, prompt);
  const uncond = negativePrompt === null ? undefined : await encodeAll(bundle, backend, negativePrompt);
  const conditioning = { cond, ...(uncond && { uncond }) };
  const heard: Heard[][] = [];
  let info: RunInfo | undefined;
  const listened = listening(policy, heard, (run) => {
    info = run;
  });
  const { latents, steps } = await denoise(bundle, backend, listened, settings, conditioning, noise, {});
  const { frames } = await decode(bundle, backend, settings.shape, latents, {});
  for (const state of [cond, uncond]) if (state) backend.release(state);
  if (!info) throw new Error("the policy was not started");
  return { steps, heard, latents, frames: frames.data, info };
}

/** The policy, with what it hears before its decisions written down. */
function listening(policy: CachePolicy, heard: Heard[][], started: (run: RunInfo) => void): CachePolicy {
  return {
    ...policy,
    start: (run) => {
      started(run);
      const inner = policy.start(run);
      const listen = (plan: StepPlan, ofStep: Heard[]): StepPlan => {
        if (plan.kind !== "probe") return plan;
        const { measure, decide } = plan;
        const hear = (scalars: readonly number[]) => {
          ofStep.push(...scalars.map((value, i) => ({ about: inWords(measure[i]), value })));
          return listen(decide(scalars), ofStep);
        };
        return { ...plan, decide: hear };
      };
      return {
        plan: (step) => {
          const ofStep: Heard[] = [];
          heard[step.index] = ofStep;
          return listen(inner.plan(step), ofStep);
        },
        measureAfter: (step, branches) => inner.measureAfter(step, branches),
        observe: (outcome) => inner.observe(outcome),
        correct: (step) => inner.correct?.(step),
        event: (event) => inner.event(event),
      };
    },
  };
}

/** What is measured; coefficients of predictions rest on scalars themselves. */
function inWords(measurement: Measurement | undefined): string {
  return JSON.stringify(measurement, (key, value) => (key === "prediction" ? undefined : value));
}

/** What all text encoders make of one text. */
export async function encodeAll(bundle: Bundle, backend: SegmentBackend, text: string): Promise<State> {
  let state: State = {};
  for (const encoder of bundle.manifest.text_encoders) {
    const tokens = (await loadTokenizer(bundle, encoder))(text);
    state = { ...state, ...(await encodeText(backend, encoder, tokens, {})) };
  }
  return state;
}
