/** The values that the engine feeds to the segments: uploaded once per shape, once per step, once per prompt. */

import { MixcacheError } from "../errors.ts";
import type { DenoiserManifest, Manifest } from "./bundle/manifest.ts";
import type { Branch } from "./cache/contract.ts";
import { provide, type StepNumbers } from "./provided.ts";
import type { SegmentBackend, State, TensorHandle } from "./segments/contract.ts";
import { guidanceOf, type Settings } from "./settings.ts";
import { latentDims } from "./shape.ts";

/** The conditioning of each branch, made once per prompt. */
export type Conditioning = Readonly<Partial<Record<Branch, State>>>;

/** A step's place in the schedule, as the scheduler says it. */
export type NoiseLevel = Pick<StepNumbers, "sigma" | "timestep">;

export class Inputs {
  readonly #manifest: Manifest;
  readonly #backend: SegmentBackend;
  readonly #settings: Settings;
  readonly #conditioning: Conditioning;
  /** By denoiser; kept for the whole run. */
  readonly #ofShape = new Map<string, State>();
  /** What the prompt graphs made, by denoiser and branch; kept for the whole run. */
  readonly #ofPrompt = new Map<string, State>();

  constructor(manifest: Manifest, backend: SegmentBackend, settings: Settings, conditioning: Conditioning) {
    this.#manifest = manifest;
    this.#backend = backend;
    this.#settings = settings;
    this.#conditioning = conditioning;
  }

  /** Values of the prompt and the shape for one branch; they stay this object's. */
  async ofRun(denoiser: DenoiserManifest, branch: Branch): Promise<State> {
    const prompt = this.#conditioning[branch];
    if (!prompt)
      throw new MixcacheError("engine_failed", `The run has no conditioning for the branch ${branch}.`);
    let shape = this.#ofShape.get(denoiser.id);
    if (!shape) {
      shape = await this.#provided(denoiser, "shape", { sigma: 0, timestep: 0 });
      this.#ofShape.set(denoiser.id, shape);
    }
    const key = `${denoiser.id}/${branch}`;
    let projected = this.#ofPrompt.get(key);
    if (!projected) {
      projected = await this.#runPromptGraphs(denoiser, prompt);
      this.#ofPrompt.set(key, projected);
    }
    return { ...shape, ...prompt, ...projected };
  }

  /** Values of one step, the noisy latents among them; the caller releases them. */
  async ofStep(denoiser: DenoiserManifest, noise: NoiseLevel, latents: Float32Array): Promise<State> {
    const step: Record<string, TensorHandle> = { ...(await this.#provided(denoiser, "step", noise)) };
    const dims = latentDims(this.#manifest, this.#settings.shape);
    for (const [name, value] of Object.entries(denoiser.values)) {
      if (value.kind !== "latents") continue;
      step[name] = await this.#backend.upload({ dtype: "float32", dims, data: latents });
    }
    return step;
  }

  release(): void {
    for (const states of [this.#ofShape, this.#ofPrompt]) {
      for (const state of states.values()) this.#backend.release(state);
      states.clear();
    }
  }

  async #runPromptGraphs({ prompt_graphs }: DenoiserManifest, prompt: State): Promise<State> {
    let made: State = {};
    try {
      for (const graph of prompt_graphs) {
        made = { ...made, ...(await this.#backend.run({ kind: "graph", ...graph }, { ...prompt, ...made })) };
      }
    } catch (error) {
      this.#backend.release(made);
      throw error;
    }
    return made;
  }

  async #provided(denoiser: DenoiserManifest, kind: "shape" | "step", noise: NoiseLevel): Promise<State> {
    const { shape } = this.#settings;
    const guidanceScale = guidanceOf(this.#settings, denoiser);
    const state: Record<string, TensorHandle> = {};
    for (const [name, value] of Object.entries(denoiser.values)) {
      if (value.kind !== kind || !value.provided) continue;
      state[name] = await this.#backend.upload(provide(value.provided, shape, { ...noise, guidanceScale }));
    }
    return state;
  }
}
