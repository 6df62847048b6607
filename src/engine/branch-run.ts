/** One branch's forward pass in one step: it can stop at a cut, have a part replaced, and go on. */

import { MixcacheError } from "../errors.ts";
import { flopsOf, type TokenCounts } from "./bundle/flops.ts";
import type { DenoiserManifest } from "./bundle/manifest.ts";
import type { Part } from "./cache/contract.ts";
import { blockCount, cutsOf, segmentAt } from "./cuts.ts";
import type { SegmentBackend, State, TensorHandle, Work } from "./segments/contract.ts";
import type { GraphTrace } from "./trace.ts";

/** The parts whose result lives in the backend. */
export type InnerPart = Extract<Part, { kind: "stack" | "blocks" | "modules" }>;

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
  /** Module outputs, by module and block; owned. */
  #moduleOutputs: State = {};

  constructor(options: BranchRunOptions) {
    this.#options = options;
  }

  /** Runs up to a cut. */
  async advanceTo(cut: number): Promise<void> {
    const { denoiser } = this.#options;
    for (const next of cutsOf(denoiser).filter((c) => c <= cut)) {
      const segment = segmentAt(denoiser, next);
      if (segment < this.#position) continue;
      const modules = this.#modulesUpTo(next, segment);
      if (modules) await this.#runModules(modules, {});
      else if (segment > this.#position) await this.#runSegments(segment);
      this.#position = segment;
      this.#snapshot(next);
    }
  }

  /**
   * Replaces a part by a prediction of its result. What a probe has run inside the part is passed over: the
   * streams are taken up again where the part begins. The prediction stays the caller's.
   */
  async replace(part: InnerPart, prediction: State): Promise<void> {
    const { backend, denoiser } = this.#options;
    const [from, to] = rangeOf(part, denoiser);
    await this.advanceTo(from);
    const before = this.#atCut.get(from);
    if (!before) throw new MixcacheError("engine_failed", `The bundle has no cut at block ${from}.`);
    if (part.kind === "modules") {
      backend.retain(before);
      this.#adopt(before);
      await this.#runModules(part, prediction);
    } else {
      this.#adopt(await backend.combine([1, 1], [before, prediction]));
    }
    this.#position = segmentAt(denoiser, to);
    this.#snapshot(to);
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
      const names = moduleNames(denoiser, part);
      const outputs = Object.fromEntries(
        Object.entries(this.#moduleOutputs).filter(([name]) => names.has(name)),
      );
      if (Object.keys(outputs).length !== names.size) return undefined;
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
    for (const state of [this.#produced, this.#moduleOutputs, ...this.#atCut.values()])
      backend.release(state);
    this.#produced = {};
    this.#moduleOutputs = {};
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

  /** The finer partition from here to the cut, where some of its outputs are wanted. */
  #modulesUpTo(cut: number, segment: number): (InnerPart & { kind: "modules" }) | undefined {
    const from = this.#options.denoiser.segments[this.#position]?.blocks[0] ?? 0;
    if (segment === this.#position || from === cut) return undefined;
    const wanted = this.#options.wanted.filter(
      (part) => part.kind === "modules" && part.from < cut && part.to > from,
    );
    return wanted.length ? { kind: "modules", modules: [], from, to: cut } : undefined;
  }

  /** Runs the finer partition; modules that the prediction has are not computed. */
  async #runModules(part: InnerPart & { kind: "modules" }, prediction: State): Promise<void> {
    const { backend, denoiser, sizes } = this.#options;
    for (const [index, step] of denoiser.modules.entries()) {
      if (step.block < part.from || step.block >= part.to) continue;
      const name = moduleName(step);
      const predicted = prediction[name];
      const output = Object.values(step.compute.outputs)[0] ?? "";
      if (predicted) {
        backend.retain({ [output]: predicted });
        this.#adopt({ [output]: predicted });
      } else {
        const work = { kind: "module", denoiser: denoiser.id, index, part: "compute" } as const;
        await this.#run(work, () => flopsOf(step.compute.flops, sizes));
        const made = this.#produced[output];
        if (made) {
          backend.retain({ [name]: made });
          this.#moduleOutputs = { ...this.#moduleOutputs, [name]: made };
        }
      }
      const work = { kind: "module", denoiser: denoiser.id, index, part: "apply" } as const;
      await this.#run(work, () => flopsOf(step.apply.flops, sizes));
    }
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

function moduleName({ module, block }: { module: string; block: number }): string {
  return `${module}_${block}`;
}

function moduleNames(denoiser: DenoiserManifest, part: InnerPart & { kind: "modules" }): Set<string> {
  const steps = denoiser.modules.filter(
    ({ module, block }) => block >= part.from && block < part.to && part.modules.includes(module),
  );
  return new Set(steps.map(moduleName));
}
