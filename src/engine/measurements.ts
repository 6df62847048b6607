/** Finds the tensors that a policy names, predicts from kept results, and takes distances. */

import { MixcacheError } from "../errors.ts";
import type { Bands } from "./bands.ts";
import type { BranchRun } from "./branch-run.ts";
import type { DenoiserManifest } from "./bundle/manifest.ts";
import type {
  Branch,
  Measurement,
  Part,
  PolicyRequirements,
  Prediction,
  Quantity,
} from "./cache/contract.ts";
import { isHost, type KeptResults, type Result } from "./cache/kept.ts";
import { linearCombination, reduceHost, threeDotsAndDeviation } from "./host-math.ts";
import { type Group, type HostQuantity, type Products, together } from "./measurement-groups.ts";
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

  /** The scalars, in the order of the list. */
  async take(measurements: readonly Measurement[]): Promise<number[]> {
    const answers = Array<number>(measurements.length);
    const take = async (group: Group) => {
      const found = group.kind === "alone" ? [await this.#measure(group.measurement)] : this.#products(group);
      for (const [i, place] of group.places.entries()) answers[place] = found[i] ?? Number.NaN;
    };
    await Promise.all(together(measurements).map(take));
    return answers;
  }

  /**
   * A prediction of latent size. `guidance_delta` is added to the conditional output of this step.
   * @param out is overwritten and returned
   */
  predictHost(
    part: Part,
    prediction: Prediction,
    cond: Float32Array | undefined,
    latents: Float32Array,
    out?: Float32Array,
  ): Float32Array {
    if (part.kind !== "guidance_delta") return this.combineHost(prediction, latents, { out });
    if (!cond)
      throw new MixcacheError("engine_failed", "guidance_delta can stand in for the branch uncond only.");
    return this.combineHost(prediction, latents, { plus: cond, out });
  }

  /** The linear combination that a prediction of latent size is, plus a tensor where one is given. */
  combineHost(
    prediction: Prediction,
    latents: Float32Array,
    { plus, out }: { readonly plus?: Float32Array; readonly out?: Float32Array | undefined } = {},
  ): Float32Array {
    const { coefficients, tensors } = this.#termsOf(prediction, latents, plus);
    return linearCombination(coefficients, tensors, out);
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

  /** The scalar products of a group, and its deviation where it has one. */
  #products({ own, others, deviation }: Products): readonly number[] {
    const [a, b, c] = [this.#host(own), this.#host(others[0]), this.#host(others[1])];
    return threeDotsAndDeviation(a, b, c, ...(deviation ?? []));
  }

  #host(quantity: HostQuantity): Float32Array {
    const { part, branch } = quantity;
    const result =
      quantity.of === "kept"
        ? this.#kept.get(quantity)
        : this.hostResult(part, branch, this.#outputs, this.#latents);
    return this.#hostOf(part, found(result, `${part.kind} of this step`));
  }

  async #measure({ kind, a, b }: Measurement): Promise<number> {
    const owned: State[] = [];
    try {
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

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined)
    throw new MixcacheError("engine_failed", `The policy asks for ${what}, which does not exist.`);
  return value;
}
