/** Which weights are in memory when: all of them, or those of one part of the model at a time. */

import type { DenoiserManifest, Manifest } from "./bundle/manifest.ts";
import type { SegmentBackend, Work } from "./segments/contract.ts";

/** The parts of a model in the order in which a video needs them. */
export type ModelPart = "text" | DenoiserManifest | "decoder";

function graph(file: string): Work {
  return { kind: "graph", graph: file, inputs: {}, outputs: {} };
}

/** The work that a part of the model can be asked for; of denoisers with or without what only cache policies need. */
export function workOfPart({ text_encoders, decoder }: Manifest, part: ModelPart, whole = true): Work[] {
  if (part === "text") return text_encoders.map((encoder) => graph(encoder.graph));
  if (part === "decoder")
    return [decoder.first, decoder.next].flatMap((call) => (call ? [graph(call.graph)] : []));
  const { id, prompt_graphs, segments, modules } = part;
  const finer = modules.flatMap((_, index): Work[] =>
    (["compute", "apply"] as const).map((step) => ({ kind: "module", denoiser: id, index, part: step })),
  );
  return [
    ...prompt_graphs.map((prompt) => graph(prompt.graph)),
    { kind: "segments", denoiser: id, from: 0, to: segments.length },
    ...(whole ? finer : []),
  ];
}

export interface ResidencyOptions {
  /** One part at a time: each is loaded when it is needed and unloaded after. */
  readonly lowMemory: boolean;
  /** Text encoders are not loaded ahead: a cache may make them superfluous. */
  readonly textOnDemand: boolean;
}

/** Loads a model's parts ahead, and unloads them when they are done where memory is short. */
export class Residency {
  readonly #manifest: Manifest;
  readonly #backend: SegmentBackend;
  readonly #options: ResidencyOptions;

  constructor(manifest: Manifest, backend: SegmentBackend, options: ResidencyOptions) {
    this.#manifest = manifest;
    this.#backend = backend;
    this.#options = options;
  }

  /** Whether one part of the model at a time is in memory. */
  get lowMemory(): boolean {
    return this.#options.lowMemory;
  }

  /** Before the first video: everything that an uncached run needs, so that it starts at once. */
  async prepare(): Promise<void> {
    if (this.#options.lowMemory) return;
    const parts: ModelPart[] = [...this.#manifest.denoisers, "decoder"];
    if (!this.#options.textOnDemand) parts.unshift("text");
    await this.#backend.load(parts.flatMap((part) => workOfPart(this.#manifest, part, false)));
  }

  /** A part has done its work for this video. */
  async done(part: ModelPart): Promise<void> {
    if (this.#options.lowMemory) await this.#backend.unload(workOfPart(this.#manifest, part));
  }

  /** After a video that failed: what it left loaded would be in the way of the next. */
  async clear(): Promise<void> {
    for (const part of ["text", ...this.#manifest.denoisers, "decoder"] as const) {
      // The failure that led here is the one to tell.
      await this.done(part).catch(() => undefined);
    }
  }
}
