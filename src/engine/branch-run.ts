/** One branch's forward pass in one step: it can stop at a cut, have a part replaced, and go on. */

import { MixcacheError } from "../errors.ts";
import { flopsOf, type TokenCounts } from "./bundle/flops.ts";
import type { DenoiserManifest, ModuleManifest } from "./bundle/manifest.ts";
import type { ModulesPart, Part } from "./cache/contract.ts";
import { blockCount, cutsOf, segmentAt } from "./cuts.ts";
import type { SegmentBackend, State, TensorHandle, Work } from "./segments/contract.ts";
import type { GraphTrace } from "./trace.ts";

/** The parts whose result lives in the backend. */
export type InnerPart = Extract<Part, { kind: "stack" | "blocks" | "modules" }>;
/** Those of them that are what a range of blocks adds to the streams. */
export type ResidualPart = Exclude<InnerPart, ModulesPart>;

export function isInner(part: Part): part is InnerPart {
  return part.kind === "stack" || part.kind === "blocks" || part.kind === "modules";
}

export interface BranchRunOptions {
  readonly backend: SegmentBackend;
  readonly denoiser: DenoiserManifest;
  /** Values of step, prompt and shape; they stay the caller's. */
  readonly values: State;
  readonly sizes: TokenCounts;
  /** Parts whose results will be asked for when the pass is over. */
  readonly wanted: readonly InnerPart[];
  readonly signal: AbortSignal | undefined;
  readonly onGraph: (graph: GraphTrace) => void;
}

/** The first and the last cut of a part. */
export function rangeOf(part: InnerPart, denoiser: DenoiserManifest): readonly [from: number, to: number] {
  return part.kind === "stack" ? [0, blockCount(denoiser)] : [part.from, part.to];
}

export class BranchRun {
  readonly #options: BranchRunOptions;
  /** The next segment. */
  #position = 0;
  /** What has been computed so far; owned. */
  #produced: State = {};
  /** Streams at the cuts passed; owned. */
  readonly #atCut = new Map<number, State>();
  /** Outputs of the modules that ran, and what stands in for the others; owned. */
  #moduleOutputs: State = {};
  #predictedModules: State = {};

  constructor(options: BranchRunOptions) {
    this.#options = options;
  }

  /** Runs up to a cut. */
  async advanceTo(cut: number): Promise<void> {
    const { denoiser } = this.#options;
    for (const next of cutsOf(denoiser).filter((c) => c <= cut)) {
      const segment = segmentAt(denoiser, next);
      if (segment < this.#position) continue;
      const from = denoiser.segments[this.#position]?.blocks[0] ?? 0;
      if (this.#wantsModules(from, next)) await this.#runModules(from, next);
      else if (segment > this.#position) await this.#runSegments(segment);
      this.#position = segment;
      this.#snapshot(next);
    }
  }

  /**
   * Replaces a part by a prediction of its result. What a probe has run inside the part is passed over: the
   * streams are taken up again where the part begins. The prediction stays the caller's.
   */
  async replace(part: ResidualPart, prediction: State): Promise<void> {
    const { backend, denoiser } = this.#options;
    const [from, to] = rangeOf(part, denoiser);
    this.#adopt(await backend.combine([1, 1], [await this.#streamsAt(from), prediction]));
    this.#position = segmentAt(denoiser, to);
    this.#snapshot(to);
  }

  /** Replaces the outputs of modules from a cut on, in the same way; the others will run. */
  async replaceModules(from: number, predictions: readonly State[]): Promise<void> {
    const { backend, denoiser } = this.#options;
    const before = await this.#streamsAt(from);
    backend.retain(before);
    this.#adopt(before);
    this.#position = segmentAt(denoiser, from);
    for (const prediction of predictions) {
      backend.retain(prediction);
      this.#predictedModules = { ...this.#predictedModules, ...prediction };
    }
  }

  /** Runs to the end and returns the output at latent size. */
  async finish(): Promise<Float32Array> {
    const { backend, denoiser } = this.#options;
    await this.advanceTo(blockCount(denoiser));
    await this.#runSegments(denoiser.segments.length);
    const name = Object.keys(denoiser.values).find((key) => denoiser.values[key]?.kind === "output") ?? "";
    const handle = this.#produced[name];
    if (!handle) throw new MixcacheError("engine_failed", `Denoiser ${denoiser.id} gave no output.`);
    const { data } = await backend.read(handle);
    if (!(data instanceof Float32Array))
      throw new MixcacheError("engine_failed", `The output ${name} must be float32.`);
    return data;
  }

  /** The result of a part that has been run, which the caller then owns; undefined where it is not to be had. */
  async resultOf(part: InnerPart): Promise<State | undefined> {
    const { backend, denoiser } = this.#options;
    const [from, to] = rangeOf(part, denoiser);
    if (part.kind === "modules") {
      const outputs: Record<string, TensorHandle> = {};
      for (const name of modulesOf(denoiser, part).flatMap(outputNames)) {
        const output = this.#moduleOutputs[name];
        if (!output) return undefined;
        outputs[name] = output;
      }
      backend.retain(outputs);
      return outputs;
    }
    const before = this.#atCut.get(from);
    const after = this.#atCut.get(to);
    return before && after && backend.combine([1, -1], [after, before]);
  }

  /** The distance stream at a cut that has been passed. */
  streamAt(cut: number): TensorHandle | undefined {
    return this.#atCut.get(cut)?.[this.#options.denoiser.distance_stream];
  }

  /** A value that this pass has computed, such as a signal. */
  value(name: string): TensorHandle | undefined {
    return this.#produced[name] ?? this.#options.values[name];
  }

  release(): void {
    const { backend } = this.#options;
    const held = [this.#produced, this.#moduleOutputs, this.#predictedModules, ...this.#atCut.values()];
    for (const state of held) backend.release(state);
    this.#produced = {};
    this.#moduleOutputs = {};
    this.#predictedModules = {};
    this.#atCut.clear();
  }

  async #runSegments(to: number): Promise<void> {
    const { denoiser, sizes } = this.#options;
    let index = this.#position;
    await this.#run({ kind: "segments", denoiser: denoiser.id, from: this.#position, to }, () => {
      const segment = denoiser.segments[index++];
      return segment ? flopsOf(segment.flops, sizes) : 0;
    });
    this.#position = to;
  }

  /** Are module outputs wanted between these cuts? Then the finer partition runs there. */
  #wantsModules(from: number, to: number): boolean {
    return this.#options.wanted.some((part) => part.kind === "modules" && part.from < to && part.to > from);
  }

  /** Runs the finer partition between two cuts; modules with a prediction are not computed. */
  async #runModules(from: number, to: number): Promise<void> {
    const { backend, denoiser, sizes } = this.#options;
    for (const [index, step] of denoiser.modules.entries()) {
      if (step.block < from || step.block >= to) continue;
      const predicted = takeOutputs(step, this.#predictedModules);
      if (predicted) {
        backend.retain(predicted);
        this.#adopt(predicted);
      } else {
        const work = { kind: "module", denoiser: denoiser.id, index, part: "compute" } as const;
        await this.#run(work, () => flopsOf(step.compute.flops, sizes));
        this.#keepOutputs(step);
      }
      const work = { kind: "module", denoiser: denoiser.id, index, part: "apply" } as const;
      await this.#run(work, () => flopsOf(step.apply.flops, sizes));
    }
  }

  #keepOutputs(step: ModuleManifest): void {
    const { backend } = this.#options;
    const made: Record<string, TensorHandle> = {};
    for (const value of Object.values(step.compute.outputs)) {
      const handle = this.#produced[value];
      if (handle) made[outputName(step, value)] = handle;
    }
    backend.retain(made);
    // A module runs twice where a probe was taken back.
    backend.release(pick(this.#moduleOutputs, Object.keys(made)));
    this.#moduleOutputs = { ...this.#moduleOutputs, ...made };
  }

  /** The streams at a cut, which stay this run's. */
  async #streamsAt(cut: number): Promise<State> {
    await this.advanceTo(cut);
    const streams = this.#atCut.get(cut);
    if (!streams) throw new MixcacheError("engine_failed", `The bundle has no cut at block ${cut}.`);
    return streams;
  }

  async #run(work: Work, flops: () => number): Promise<void> {
    const { backend, values, signal, onGraph } = this.#options;
    this.#adopt(
      await backend.run(
        work,
        { ...values, ...this.#produced },
        {
          ...(signal && { signal }),
          onGraph: (id, durationMs) => onGraph({ id, durationMs, flops: flops() }),
        },
      ),
    );
  }

  #adopt(state: State): void {
    const superseded = Object.entries(this.#produced).filter(([name]) => Object.hasOwn(state, name));
    this.#options.backend.release(Object.fromEntries(superseded));
    this.#produced = { ...this.#produced, ...state };
  }

  #streams(): State {
    const { values } = this.#options.denoiser;
    return Object.fromEntries(
      Object.entries(this.#produced).filter(([name]) => values[name]?.kind === "stream"),
    );
  }

  #snapshot(cut: number): void {
    if (this.#atCut.has(cut)) return;
    const streams = this.#streams();
    this.#options.backend.retain(streams);
    this.#atCut.set(cut, streams);
  }
}

function outputName({ module, block }: ModuleManifest, value: string): string {
  return `${module}_${block}/${value}`;
}

/** The names under which a module's outputs are kept. */
function outputNames(step: ModuleManifest): string[] {
  return Object.values(step.compute.outputs).map((value) => outputName(step, value));
}

/** A module's outputs by the names of its values; undefined where they are not there. */
function takeOutputs(step: ModuleManifest, state: State): State | undefined {
  const outputs: Record<string, TensorHandle> = {};
  for (const value of Object.values(step.compute.outputs)) {
    const handle = state[outputName(step, value)];
    if (!handle) return undefined;
    outputs[value] = handle;
  }
  return outputs;
}

function pick(state: State, names: readonly string[]): State {
  return Object.fromEntries(Object.entries(state).filter(([name]) => names.includes(name)));
}

function modulesOf(denoiser: DenoiserManifest, part: ModulesPart): readonly ModuleManifest[] {
  return denoiser.modules.filter(
    ({ module, block }) => block >= part.from && block < part.to && part.modules.includes(module),
  );
}
