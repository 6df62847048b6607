/** Checks that the parts of a manifest fit together: no gaps, no circles, no names without a meaning. */

import { MixcacheError } from "../../errors.ts";
import type { DenoiserManifest, GraphManifest, Manifest } from "./manifest.ts";

function broken(sentence: string): never {
  throw new MixcacheError("bundle_invalid", `The bundle's manifest does not hold together: ${sentence}`);
}

/** @throws MixcacheError `bundle_invalid`, with the place that is wrong. */
export function checkStructure(manifest: Manifest): void {
  checkFiles(manifest);
  checkLatents(manifest);
  checkNoiseLevels(manifest.denoisers);
  checkTexts(manifest);
  const textValues = new Set(
    manifest.text_encoders.flatMap((e) => Object.values(e.outputs).map((o) => o.value)),
  );
  for (const denoiser of manifest.denoisers) {
    checkValues(denoiser, textValues);
    checkBlocks(denoiser);
    checkModules(denoiser);
  }
  checkDecoder(manifest);
}

/** Every graph of the manifest, with a name for messages. */
export function* graphsOf(manifest: Manifest): Generator<{ where: string; graph: string }> {
  for (const encoder of manifest.text_encoders)
    yield { where: `text encoder ${encoder.id}`, graph: encoder.graph };
  for (const denoiser of manifest.denoisers) {
    for (const { graph } of denoiser.prompt_graphs) yield { where: `prompt graph of ${denoiser.id}`, graph };
    for (const { id, graph } of denoiser.segments) yield { where: `segment ${id}`, graph };
    for (const { module, block, compute, apply } of denoiser.modules) {
      yield { where: `module ${module} of block ${block}`, graph: compute.graph };
      yield { where: `module ${module} of block ${block}`, graph: apply.graph };
    }
  }
  yield { where: "decoder.first", graph: manifest.decoder.first.graph };
  const { next } = manifest.decoder;
  if (next) yield { where: "decoder.next", graph: next.graph };
}

function checkFiles(manifest: Manifest): void {
  const has = (path: string, where: string) => {
    if (!Object.hasOwn(manifest.files, path)) broken(`${where} needs ${path}, which is not among its files.`);
  };
  if (manifest.engines.includes("torch") && !manifest.torch)
    broken("engines has torch, but nothing says which weights it needs (torch).");
  // A bundle for torch alone has no graphs: they are names of the worker's programs.
  if (manifest.engines.includes("onnx")) for (const { where, graph } of graphsOf(manifest)) has(graph, where);
  for (const { id, tokenizer } of manifest.text_encoders) {
    if (tokenizer.kind !== "bytes") has(tokenizer.file, `tokenizer of ${id}`);
  }
  for (const [path, entry] of Object.entries(manifest.files)) {
    for (const weights of entry.weights) has(weights, `graph ${path}`);
  }
  for (const variant of manifest.variants) {
    for (const [from, to] of Object.entries(variant.replaces)) {
      has(from, `variant ${variant.id}`);
      has(to, `variant ${variant.id}`);
    }
  }
}

function checkLatents({ latents }: Manifest): void {
  if (latents.mean.length !== latents.channels || latents.std.length !== latents.channels) {
    broken(
      `latents has ${latents.channels} channels, but mean and std have ${latents.mean.length} and ${latents.std.length}.`,
    );
  }
}

function checkNoiseLevels(denoisers: readonly DenoiserManifest[]): void {
  const sorted = [...denoisers].sort((a, b) => a.noise_levels[0] - b.noise_levels[0]);
  let reached = 0;
  for (const { id, noise_levels } of sorted) {
    if (noise_levels[0] !== reached) {
      broken(
        `denoiser ${id} starts at noise level ${noise_levels[0]}, but the ones before it end at ${reached}.`,
      );
    }
    if (noise_levels[1] <= noise_levels[0]) broken(`denoiser ${id} serves no noise level.`);
    reached = noise_levels[1];
  }
  if (reached !== 1) broken(`no denoiser serves the noise levels from ${reached} to 1.`);
}

function checkValues(denoiser: DenoiserManifest, textValues: ReadonlySet<string>): void {
  const { id, values, segments } = denoiser;
  const known = new Set<string>(textValues);
  for (const [name, value] of Object.entries(values)) {
    if (value.kind === "latents" || value.provided) known.add(name);
    const { provided } = value;
    if (provided?.make === "rope") {
      const [frames, rows, columns] = provided.axes;
      if (provided.axes.some((n) => n % 2)) broken(`value ${name}: the rope axes must be even.`);
      const fixed = provided.dims.reduce(
        (product: number, d) => (d === "tokens" ? product : product * Number(d)),
        1,
      );
      if (fixed !== (frames + rows + columns) / 2) {
        broken(
          `value ${name}: its dims must hold ${(frames + rows + columns) / 2} numbers for each of "tokens".`,
        );
      }
    }
    if (provided && "dim" in provided && provided.dim % 2) broken(`value ${name}: dim must be even.`);
  }
  const graphs = [
    ...denoiser.prompt_graphs.map((graph, i) => ({ where: `prompt graph ${i}`, graph })),
    ...segments.map((graph) => ({ where: `segment ${graph.id}`, graph })),
  ];
  graphs.forEach(({ where, graph }, position) => {
    for (const name of Object.values(graph.inputs)) {
      if (!Object.hasOwn(values, name))
        broken(`${where} of ${id} reads ${name}, which values does not describe.`);
      if (known.has(name)) continue;
      const later = graphs.slice(position).find((other) => Object.values(other.graph.outputs).includes(name));
      if (later) broken(`${where} of ${id} reads ${name}, which only ${later.where} makes: a circle.`);
      broken(`${where} of ${id} reads ${name}, which nothing before it makes: a gap.`);
    }
    for (const name of Object.values(graph.outputs)) {
      if (!Object.hasOwn(values, name))
        broken(`${where} of ${id} writes ${name}, which values does not describe.`);
      known.add(name);
    }
  });
  const outputs = Object.entries(values).filter(([, value]) => value.kind === "output");
  const last = segments.at(-1);
  if (outputs.length !== 1 || !last || !Object.values(last.outputs).includes(outputs[0]?.[0] ?? "")) {
    broken(`denoiser ${id} must have one value of kind output, and its last segment must write it.`);
  }
  if (values[denoiser.distance_stream]?.kind !== "stream") {
    broken(`distance_stream of ${id} is ${denoiser.distance_stream}, which is no stream.`);
  }
  for (const [signal, name] of Object.entries(denoiser.signals)) {
    if (!known.has(name)) broken(`signal ${signal} of ${id} is ${name}, which nothing makes.`);
  }
}

function checkTexts({ text_encoders, denoisers }: Manifest): void {
  for (const { id, quoted, outputs } of text_encoders) {
    const silent = Object.entries(outputs).find(([, { channels }]) => channels === undefined);
    if (quoted !== undefined && silent)
      broken(`text encoder ${id} may get no text at all, but its output ${silent[0]} has no channels.`);
  }
  for (const { id, values, segments, prompt_graphs, modules } of denoisers) {
    const graphs = [...segments, ...prompt_graphs, ...modules.map(({ compute }) => compute)];
    const unknown = graphs
      .flatMap(({ flops }) => flops.texts ?? [])
      .find((name) => values[name]?.kind !== "prompt");
    if (unknown !== undefined)
      broken(`FLOPs of ${id} count the tokens of ${unknown}, which is no prompt value.`);
  }
}

function checkBlocks({ id, segments }: DenoiserManifest): void {
  let done = 0;
  for (const segment of segments) {
    const [from, to] = segment.blocks;
    if (from !== done || to < from) {
      broken(
        `segment ${segment.id} of ${id} has the blocks ${from} to ${to}, but the ones before it end at ${done}: ` +
          `${from > done ? "a gap" : "an overlap"}.`,
      );
    }
    done = to;
  }
  if (done === 0) broken(`denoiser ${id} has no blocks.`);
}

function checkModules({ id, modules, segments, values }: DenoiserManifest): void {
  const blocks = segments.at(-1)?.blocks[1] ?? 0;
  let block = 0;
  for (const step of modules) {
    if (step.block < block || step.block >= blocks) {
      broken(
        `module ${step.module} of ${id} belongs to block ${step.block}, out of order or beyond ${blocks - 1}.`,
      );
    }
    block = step.block;
    for (const name of [...names(step.compute), ...names(step.apply)]) {
      if (!Object.hasOwn(values, name))
        broken(`module ${step.module} of ${id} uses ${name}, which values does not describe.`);
    }
  }
}

function names(graph: GraphManifest): string[] {
  return [...Object.values(graph.inputs), ...Object.values(graph.outputs)];
}

function checkDecoder({ decoder }: Manifest): void {
  const { first, next, tiles } = decoder;
  for (const [where, graph] of Object.entries({ first, ...(next && { next }) })) {
    if (!Object.values(graph.outputs).includes("frames"))
      broken(`decoder.${where} writes no value named frames.`);
  }
  const made = new Set(["latents", ...Object.values(first.outputs)]);
  for (const name of Object.values(next?.inputs ?? {})) {
    if (!made.has(name)) broken(`decoder.next reads ${name}, which decoder.first does not write.`);
    if (name !== "latents" && !Object.values(next?.outputs ?? {}).includes(name)) {
      broken(`decoder.next reads the state ${name} but does not write its successor.`);
    }
  }
  for (const name of Object.values(first.inputs)) {
    if (name !== "latents") broken(`decoder.first reads ${name}; it may read latents only.`);
  }
  if (!tiles) return;
  if (!tiles.rows !== !tiles.columns)
    broken("decoder.tiles has rows or columns alone; give both or neither.");
  if (tiles.frames && next) broken("decoder.tiles has frames, but decoder.next already goes on in time.");
  for (const [axis, span] of Object.entries(tiles)) {
    if (span && span.stride > span.size) broken(`decoder.tiles.${axis} has a stride above its size: a gap.`);
  }
}
