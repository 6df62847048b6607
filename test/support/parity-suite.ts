/** The tests of parity, for any fixture and any backend: the same numbers have to come from all of them. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DenoiserManifest, GraphManifest, ProvidedValue } from "../../src/engine/bundle/manifest.ts";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import { off } from "../../src/engine/cache/off.ts";
import { decode } from "../../src/engine/decode.ts";
import { denoise } from "../../src/engine/denoise.ts";
import { Pipeline } from "../../src/engine/pipeline.ts";
import { provide, type StepNumbers } from "../../src/engine/provided.ts";
import { randn } from "../../src/engine/random.ts";
import type { SegmentBackend, State, TensorHandle, Work } from "../../src/engine/segments/contract.ts";
import { guidanceOf } from "../../src/engine/settings.ts";
import { latentDims } from "../../src/engine/shape.ts";
import { loadTokenizer } from "../../src/engine/text.ts";
import type { FolderFiles } from "../../src/node/bundle-folder.ts";
import { largestDifference, relativeDifference } from "./golden.ts";
import { encodeAll } from "./live-runs.ts";
import {
  levels,
  openParity,
  type ParityDetail,
  parityRequest,
  paritySettings,
  type References,
} from "./parity.ts";

/** Of the largest value in the tensor where that is above 1. */
const SEGMENT_TOLERANCE = 1e-5;
const LOOP_TOLERANCE = 1e-4;
/** Of 255 levels: half a level of rounding, and 1e-4 of a value that runs from -1 to 1. */
const LEVEL_TOLERANCE = 0.5 + 1e-4 * 127.5;
/** One rounding to float32 of a number up to 1. */
const PROVIDED_TOLERANCE = 1.2e-7;
/**
 * Of sinusoids of a number, times that number. In float64 the engine rounds only the result, where diffusers rounds
 * frequencies and angles. In float32 it rounds as diffusers does, but a frequency may part by a last digit.
 */
const SINUSOID_TOLERANCE = { float64: 1e-7, float32: 6e-8, bfloat16: 6e-8 };

function providedTolerance(provided: ProvidedValue, step: StepNumbers): number {
  if (provided.make !== "timestep_sinusoid") return PROVIDED_TOLERANCE;
  const number = provided.of === "guidance" ? step.guidanceScale : step[provided.of];
  return SINUSOID_TOLERANCE[provided.precision] * number * provided.scale;
}

/** What a graph of the denoiser has to give. */
function outputsOf(detail: ParityDetail, graph: string): References {
  const references = detail.outputs[graph.replace(/\.onnx$/, "")];
  if (!references) throw new Error(`the reference lacks ${graph}`);
  return references;
}

/** Opens the backend under test on a fixture's bundle. */
export type OpenBackend = (bundle: Bundle, files: FolderFiles) => Promise<SegmentBackend>;

/** Describes one fixture's tests. */
export function describeParity(name: string, openBackend: OpenBackend): void {
  const { about, tensor, files, open } = openParity(name);
  const [firstRun] = about.runs;
  if (!firstRun) throw new Error(`${name} has no run`);
  let bundle: Bundle;
  let backend: SegmentBackend;

  beforeAll(async () => {
    bundle = await open();
    backend = await openBackend(bundle, files);
  });

  afterAll(async () => {
    await backend.dispose();
  });

  const denoiserOf = ({ denoiser }: ParityDetail): DenoiserManifest => {
    const found = bundle.manifest.denoisers.find(({ id }) => id === denoiser);
    if (!found) throw new Error(`${name} has no denoiser ${denoiser}`);
    return found;
  };
  const upload = async (references: References): Promise<State> => {
    const state: Record<string, TensorHandle> = {};
    for (const [value, reference] of Object.entries(references)) {
      state[value] = await backend.upload({ dtype: "float32", ...tensor(reference) });
    }
    return state;
  };
  const expectClose = async (state: State, references: References, where: string, tolerance: number) => {
    for (const [value, reference] of Object.entries(references)) {
      const handle = state[value];
      if (!handle) throw new Error(`${where} gives no ${value}`);
      expect(handle.dims, `${where}: ${value}`).toEqual(tensor(reference).dims);
      const error = relativeDifference(
        (await backend.read(handle)).data as Float32Array,
        tensor(reference).data,
      );
      expect(error, `${where}: ${value}`).toBeLessThanOrEqual(tolerance);
    }
  };

  it("the reference was made from these very weights", () => {
    expect(about.bundle_digest).toBe(bundle.digest);
  });

  it("the ids of texts are those of Python's tokenizers", async () => {
    for (const encoder of bundle.manifest.text_encoders) {
      const tokenize = await loadTokenizer(bundle, encoder);
      for (const [text, ids] of Object.entries(about.ids)) {
        expect(tokenize(text).ids, `${encoder.id}: ${text}`).toEqual(ids[encoder.id]);
      }
    }
  });

  it("the text encoders' values are those that the pipeline hands to the denoiser", async () => {
    for (const [branch, references] of Object.entries(about.prompt_values)) {
      const state = await encodeAll(
        bundle,
        backend,
        branch === "cond" ? about.prompt : (about.negative_prompt ?? ""),
      );
      expect(Object.keys(references)).not.toEqual([]);
      await expectClose(state, references, branch, SEGMENT_TOLERANCE);
      backend.release(state);
    }
  });

  describe.each(about.details)("denoiser $denoiser, one step", (detail) => {
    it("what the engine computes itself is diffusers' own", () => {
      const run = about.runs.find((r) => r.name === detail.run) ?? firstRun;
      const { shape } = paritySettings(bundle, about, run);
      const denoiser = denoiserOf(detail);
      const guidanceScale = guidanceOf(paritySettings(bundle, about, run), denoiser);
      const step = { sigma: detail.sigma, timestep: detail.timestep, guidanceScale };
      for (const [value, { provided }] of Object.entries(denoiser.values)) {
        const reference = detail.values[value];
        if (!provided || !reference) continue;
        const made = provide(provided, shape, step);
        expect(made.dims, value).toEqual(tensor(reference).dims);
        const tolerance = providedTolerance(provided, step);
        const error = relativeDifference(made.data as Float32Array, tensor(reference).data);
        expect(error, value).toBeLessThanOrEqual(tolerance);
      }
    });

    it(`each graph, fed with diffusers' own values, is within ${SEGMENT_TOLERANCE} of diffusers`, async () => {
      const denoiser = denoiserOf(detail);
      const graphs: [GraphManifest, Work][] = [
        ...denoiser.prompt_graphs.map((graph): [GraphManifest, Work] => [
          graph,
          { kind: "graph", graph: graph.graph, inputs: graph.inputs, outputs: graph.outputs },
        ]),
        ...denoiser.segments.map((graph, from): [GraphManifest, Work] => [
          graph,
          { kind: "segments", denoiser: denoiser.id, from, to: from + 1 },
        ]),
      ];
      const inputs = { ...(await upload(detail.values)) };
      for (const [{ graph }, work] of graphs) {
        const references = outputsOf(detail, graph);
        const outputs = await backend.run(work, inputs);
        await expectClose(outputs, references, graph, SEGMENT_TOLERANCE);
        backend.release(outputs);
        Object.assign(inputs, await upload(references));
      }
    });
  });

  describe.each(about.details)("denoiser $denoiser, its finer partition", (detail) => {
    it("all modules one after the other give what the blocks give", async () => {
      const { id, modules, segments, values } = denoiserOf(detail);
      if (modules.length === 0) return;
      let state: State = { ...(await upload(detail.values)) };
      const before = segments.filter(({ blocks }) => blocks[1] === 0);
      for (const { graph } of [...denoiserOf(detail).prompt_graphs, ...before]) {
        state = { ...state, ...(await upload(outputsOf(detail, graph))) };
      }
      for (const [index] of modules.entries()) {
        for (const part of ["compute", "apply"] as const) {
          state = { ...state, ...(await backend.run({ kind: "module", denoiser: id, index, part }, state)) };
        }
      }
      const last = segments.findLast(({ blocks: [from, to] }) => to > from);
      const streams = Object.entries(outputsOf(detail, last?.graph ?? "")).filter(
        ([name]) => values[name]?.kind === "stream",
      );
      expect(streams).not.toEqual([]);
      await expectClose(state, Object.fromEntries(streams), "modules", SEGMENT_TOLERANCE);
    });
  });

  describe.each(about.runs)("$width x $height, $frames frames, from the seed $seed alone", (run) => {
    it("the guided loop's latents and the decoded frames are those of diffusers' pipeline", async () => {
      const settings = paritySettings(bundle, about, run);
      const noise = randn(settings.seed, latentDims(bundle.manifest, settings.shape));
      const cond = await encodeAll(bundle, backend, about.prompt);
      const uncond =
        about.negative_prompt === null ? undefined : await encodeAll(bundle, backend, about.negative_prompt);
      const conditioning = { cond, ...(uncond && { uncond }) };
      const { latents } = await denoise(bundle, backend, off, settings, conditioning, noise, {});
      const wanted = tensor(`${run.name}_latents`).data;
      expect(largestDifference(latents, wanted)).toBeLessThanOrEqual(LOOP_TOLERANCE);
      const { frames } = await decode(bundle, backend, settings.shape, latents, {});
      const theirs = levels(tensor(`${run.name}_frames`), run);
      expect(largestDifference(frames.data, theirs)).toBeLessThanOrEqual(LEVEL_TOLERANCE);
    });

    it("the front door, from prompt to frames, gives the same and leaves no tensor behind", async () => {
      const pipeline = await Pipeline.load(bundle, backend);
      const before = backend.bytesHeld();
      const { frames } = await pipeline.generate(parityRequest(about, run));
      const theirs = levels(tensor(`${run.name}_frames`), run);
      expect(largestDifference(frames.data, theirs)).toBeLessThanOrEqual(LEVEL_TOLERANCE);
      expect(backend.bytesHeld()).toBe(before);
    });
  });
}
