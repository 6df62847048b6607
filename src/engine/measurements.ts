/** Finds the tensors that a policy names, predicts from kept results, and takes distances. */

import { MixcacheError } from "../errors.ts";
import type { Bands } from "./bands.ts";
import type { BranchRun, InnerPart } from "./branch-run.ts";
import type { DenoiserManifest } from "./bundle/manifest.ts";
import type {
  Branch,
  Measurement,
  Part,
  PolicyRequirements,
  Prediction,
  Quantity,
} from "./cache/contract.ts";
import type { KeptResults, Result } from "./cache/kept.ts";
import { combinedRelativeL1, linearCombination, reduceHost } from "./host-math.ts";
import type { SegmentBackend, State, TensorHandle } from "./segments/contract.ts";

type Located = Float32Array | TensorHandle;

export class Measurements {
  readonly #backend: SegmentBackend;
  readonly #kept: KeptResults;
  readonly #requires: PolicyRequirements;
  readonly #bands: Bands;
  /** Signals and streams of the step before, by name; owned. */
  #previous: Record<string, TensorHandle> = {};
  #previousLatents: Float32Array | undefined;
  #denoiser: DenoiserManifest | undefined;
  #latents: Float32Array = new Float32Array(0);
  #runs: ReadonlyMap<Branch, BranchRun> = new Map();
  #outputs: Partial<Record<Branch, Float32Array>> = {};

  constructor(backend: SegmentBackend, kept: KeptResults, requires: PolicyRequirements, bands: Bands) {
    this.#backend = backend;
    this.#kept = kept;
    this.#requires = requires;
    this.#bands = bands;
  }

  /** A new step. */
  begin(denoiser: DenoiserManifest, latents: Float32Array, runs: ReadonlyMap<Branch, BranchRun>): void {
    this.#denoiser = denoiser;
    this.#latents = latents;
    this.#runs = runs;
    this.#outputs = {};
  }

  /** The outputs that this step has computed exactly. */
  outputs(exact: Partial<Record<Branch, Float32Array>>): void {
    this.#outputs = exact;
  }

  /** Remembers the signals and streams that the next step may be compared with; what was not computed stays older. */
  async end(): Promise<void> {
    for (const [branch, run] of this.#runs) {
      const found: [string, TensorHandle | undefined][] = [
        ...this.#requires.signals.map((signal): [string, TensorHandle | undefined] => [
          `${branch}/${signal}`,
          this.#signal(run, signal),
        ]),
        ...this.#requires.cuts.map((cut): [string, TensorHandle | undefined] => [
          `${branch}/${cut}`,
          run.streamAt(cut),
        ]),
      ];
      for (const [name, handle] of found) {
        if (!handle) continue;
        this.#backend.retain({ [name]: handle });
        const older = this.#previous[name];
        if (older) this.#backend.release({ [name]: older });
        this.#previous[name] = handle;
      }
    }
    this.#previousLatents = this.#latents;
  }

  clear(): void {
    this.#backend.release(this.#previous);
    this.#previous = {};
    this.#previousLatents = undefined;
  }

  async take(measurements: readonly Measurement[]): Promise<number[]> {
    return Promise.all(measurements.map((measurement) => this.#measure(measurement)));
  }

  /** A prediction of latent size. `guidance_delta` is added to the conditional output of this step. */
  predictHost(
    part: Part,
    prediction: Prediction,
    cond: Float32Array | undefined,
    latents: Float32Array,
  ): Float32Array {
    if (part.kind !== "guidance_delta") return this.combineHost(prediction, latents);
    if (!cond)
      throw new MixcacheError("engine_failed", "guidance_delta can stand in for the branch uncond only.");
    return this.combineHost(prediction, latents, cond);
  }

  /** The linear combination that a prediction of latent size is, plus a tensor where one is given. */
  combineHost(prediction: Prediction, latents: Float32Array, plus?: Float32Array): Float32Array {
    const { coefficients, tensors } = this.#termsOf(prediction, latents, plus);
    return linearCombination(coefficients, tensors);
  }

  #termsOf(prediction: Prediction, latents: Float32Array, plus?: Float32Array) {
    const tensors: Float32Array[] = [];
    const coefficients: number[] = [];
    for (const { coefficient, band, ...kept } of prediction.terms) {
      const tensor = this.#hostOf(kept.part, this.#kept.get(kept));
      if (band !== "low") {
        tensors.push(tensor);
        coefficients.push(coefficient);
      }
      if (band) {
        tensors.push(this.#bands.low(tensor));
        coefficients.push(band === "low" ? coefficient : -coefficient);
      }
    }
    if (prediction.latents) {
      tensors.push(latents);
      coefficients.push(prediction.latents);
    }
    if (plus) {
      tensors.push(plus);
      coefficients.push(1);
    }
    return { coefficients, tensors };
  }

  /** A prediction in the backend, which the caller then owns. */
  async predictState({ terms }: Prediction): Promise<State> {
    if (terms.some(({ band }) => band))
      throw new MixcacheError("engine_failed", "Only what is of latent size has low and high frequencies.");
    const states = terms.map((term) => this.#stateOf(term.part, this.#kept.get(term)));
    return this.#backend.combine(
      terms.map(({ coefficient }) => coefficient),
      states,
    );
  }

  /** An exact result of latent size, or undefined where this step has none. */
  hostResult(
    part: Part,
    branch: Branch,
    { cond, uncond }: Partial<Record<Branch, Float32Array>>,
    latents: Float32Array,
  ): Float32Array | undefined {
    const output = branch === "cond" ? cond : uncond;
    // The input is kept with the output that was made of it, so that both have the same age.
    if (part.kind === "input") return output && latents;
    if (part.kind === "guidance_delta") {
      return branch === "uncond" && cond && uncond ? linearCombination([1, -1], [uncond, cond]) : undefined;
    }
    return output;
  }

  async #measure({ kind, a, b }: Measurement): Promise<number> {
    const owned: State[] = [];
    try {
      if (
        kind === "relative_l1" &&
        a.of === "predicted" &&
        isHost(a.part) &&
        a.part.kind !== "guidance_delta"
      ) {
        const { coefficients, tensors } = this.#termsOf(a.prediction, this.#latents);
        const exact = await this.#locate(b, owned);
        if (exact instanceof Float32Array) return combinedRelativeL1(coefficients, tensors, exact);
      }
      const left = await this.#locate(a, owned);
      const right = await this.#locate(b, owned);
      if (left instanceof Float32Array && right instanceof Float32Array) {
        return reduceHost(kind, left, right, left.length);
      }
      if (left instanceof Float32Array || right instanceof Float32Array) {
        throw new MixcacheError(
          "engine_failed",
          `The policy compares ${a.of} with ${b.of}, which are of different sizes.`,
        );
      }
      return await this.#backend.reduce(kind, left, right);
    } finally {
      for (const state of owned) this.#backend.release(state);
    }
  }

  async #locate(quantity: Quantity, owned: State[]): Promise<Located> {
    switch (quantity.of) {
      case "latents":
        return found(
          quantity.when === "current" ? this.#latents : this.#previousLatents,
          "latents of a step before",
        );
      case "signal":
        return this.#timed(
          quantity.when,
          `${quantity.branch}/${quantity.signal}`,
          (run) => this.#signal(run, quantity.signal),
          quantity.branch,
        );
      case "stream":
        return this.#timed(
          quantity.when,
          `${quantity.branch}/${quantity.cut}`,
          (run) => run.streamAt(quantity.cut),
          quantity.branch,
        );
      case "kept":
        return this.#located(quantity.part, this.#kept.get(quantity));
      case "part": {
        const { part, branch } = quantity;
        const result = isHost(part)
          ? this.hostResult(part, branch, this.#outputs, this.#latents)
          : await this.#runs.get(branch)?.resultOf(part);
        const known = found(result, `${part.kind} of this step`);
        if (!(known instanceof Float32Array)) owned.push(known);
        return this.#located(part, known);
      }
      case "predicted": {
        const { part, prediction } = quantity;
        if (isHost(part)) return this.predictHost(part, prediction, this.#outputs.cond, this.#latents);
        const state = await this.predictState(prediction);
        owned.push(state);
        return this.#located(part, state);
      }
    }
  }

  #timed(
    when: "current" | "previous",
    name: string,
    ofRun: (run: BranchRun) => TensorHandle | undefined,
    branch: Branch,
  ): TensorHandle {
    if (when === "previous") return found(this.#previous[name], `${name} of a step before`);
    const run = this.#runs.get(branch);
    return found(run && ofRun(run), `${name} of this step`);
  }

  #signal(run: BranchRun, signal: string): TensorHandle | undefined {
    const name = this.#denoiser?.signals[signal];
    return name === undefined ? undefined : run.value(name);
  }

  #located(part: Part, result: Result): Located {
    if (result instanceof Float32Array) return result;
    return found(result[this.#denoiser?.distance_stream ?? ""], `the distance stream of ${part.kind}`);
  }

  #hostOf(part: Part, result: Result): Float32Array {
    if (result instanceof Float32Array) return result;
    throw new MixcacheError(
      "engine_failed",
      `${part.kind} is not of latent size and can't be mixed with what is.`,
    );
  }

  #stateOf(part: Part, result: Result): State {
    if (!(result instanceof Float32Array)) return result;
    throw new MixcacheError(
      "engine_failed",
      `${part.kind} is of latent size and can't be mixed with what is not.`,
    );
  }
}

function isHost(part: Part): part is Exclude<Part, InnerPart> {
  return part.kind === "output" || part.kind === "guidance_delta" || part.kind === "input";
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined)
    throw new MixcacheError("engine_failed", `The policy asks for ${what}, which does not exist.`);
  return value;
}
