/**
 * Wan 2.1 through the engine against diffusers' pipeline: the true architecture, tiny, with random weights. Bundle
 * and reference come from `python/parity/wan.py`.
 */

import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, readBundle } from "../../src/engine/bundle/read.ts";
import { off } from "../../src/engine/cache/off.ts";
import { decode } from "../../src/engine/decode.ts";
import { denoise } from "../../src/engine/denoise.ts";
import { Pipeline } from "../../src/engine/pipeline.ts";
import { provide } from "../../src/engine/provided.ts";
import { randn } from "../../src/engine/random.ts";
import type { State, TensorHandle } from "../../src/engine/segments/contract.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { resolveSettings, type Settings } from "../../src/engine/settings.ts";
import { latentDims } from "../../src/engine/shape.ts";
import { encodeText, loadTokenizer } from "../../src/engine/text.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { readGolden, relativeDifference } from "../support/golden.ts";
import { largestDifference } from "../support/shapes.ts";

/** Of the largest value in the tensor where that is above 1. */
const SEGMENT_TOLERANCE = 1e-5;
const LOOP_TOLERANCE = 1e-4;
/** Of 255 levels: half a level of rounding, and 1e-4 of a value that runs from -1 to 1. */
const LEVEL_TOLERANCE = 0.5 + 1e-4 * 127.5;

/** diffusers rounds frequencies and angles to float32, the engine only the result: 1000 times half a last digit. */
const SINUSOID_TOLERANCE = 1e-4;

interface Run {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly seed: number;
}

interface About {
  readonly prompt: string;
  readonly negative_prompt: string;
  readonly steps: number;
  readonly guidance: number;
  readonly runs: readonly Run[];
  readonly ids: Readonly<Record<string, readonly number[]>>;
  readonly bundle_digest: string;
  readonly timestep: number;
}

const FIXTURE = path.join(import.meta.dirname, "../fixtures/models/wan");
const { about, tensor } = readGolden<About>(FIXTURE);

let bundle: Bundle;
let backend: OnnxBackend;
let cond: State;
let uncond: State;

beforeAll(async () => {
  const files = new FolderFiles(path.join(FIXTURE, "bundle"));
  bundle = await readBundle(files);
  backend = new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }));
  cond = await conditioningOf(about.prompt);
  uncond = await conditioningOf(about.negative_prompt);
});

afterAll(async () => {
  await backend.dispose();
});

async function conditioningOf(text: string): Promise<State> {
  const encoder = bundle.manifest.text_encoders[0];
  if (!encoder) throw new Error("the bundle has no text encoder");
  return encodeText(backend, encoder, (await loadTokenizer(bundle, encoder))(text), {});
}

function settingsOf(run: Run): Settings {
  return resolveSettings(bundle.manifest, {
    prompt: about.prompt,
    negative_prompt: about.negative_prompt,
    seed: run.seed,
    num_inference_steps: about.steps,
    guidance_scale: about.guidance,
    width: run.width,
    height: run.height,
    num_frames: run.frames,
  });
}

async function readFloats(handle: TensorHandle | undefined): Promise<Float32Array> {
  if (!handle) throw new Error("no such tensor");
  return (await backend.read(handle)).data as Float32Array;
}

function firstDenoiser() {
  const denoiser = bundle.manifest.denoisers[0];
  if (!denoiser) throw new Error("the bundle has no denoiser");
  return denoiser;
}

/** Frames of diffusers, [1, frames, 3, height, width] in 0 … 1, in the order of bytes, in levels. */
function levels(run: Run): Float32Array {
  const { data } = tensor(`${run.name}_frames`);
  const plane = run.width * run.height;
  return Float32Array.from({ length: data.length }, (_, i) => {
    const frame = Math.floor(i / (3 * plane));
    const [pixel, channel] = [Math.floor(i / 3) % plane, i % 3];
    return (data[(frame * 3 + channel) * plane + pixel] ?? 0) * 255;
  });
}

describe("the reference fits the bundle", () => {
  it("was made from these very weights", () => {
    expect(about.bundle_digest).toBe(bundle.digest);
  });
});

describe("text", () => {
  it.each(Object.entries(about.ids))("the ids of %j are those of Python's tokenizer", async (text, ids) => {
    const encoder = bundle.manifest.text_encoders[0];
    if (!encoder) throw new Error("the bundle has no text encoder");
    expect((await loadTokenizer(bundle, encoder))(text).ids).toEqual(ids);
  });

  it("the embeddings are PyTorch's, with zeros beyond the text", async () => {
    for (const [state, name] of [
      [cond, "cond"],
      [uncond, "uncond"],
    ] as const) {
      const error = relativeDifference(
        await readFloats(state.prompt_embeds),
        tensor(`prompt_embeds_${name}`).data,
      );
      expect(error, name).toBeLessThanOrEqual(SEGMENT_TOLERANCE);
    }
  });
});

describe("what the engine computes itself", () => {
  it.each(["rope_cos", "rope_sin", "time_features"])("%s is diffusers' own", (name) => {
    const value = firstDenoiser().values[name]?.provided;
    const [run] = about.runs;
    if (!value || !run) throw new Error(`${name} is not provided`);
    const { shape } = settingsOf(run);
    const made = provide(value, shape, {
      sigma: about.timestep / 1000,
      timestep: about.timestep,
      guidanceScale: 1,
    });
    const { dims, data } = tensor(name);
    expect(made.dims).toEqual(dims);
    expect(largestDifference(made.data as Float32Array, data)).toBeLessThanOrEqual(
      name === "time_features" ? SINUSOID_TOLERANCE : 1.2e-7,
    );
  });
});

describe(`each graph is within ${SEGMENT_TOLERANCE} of diffusers`, () => {
  const upload = (name: string) => backend.upload({ dtype: "float32", ...tensor(name) });

  it("the text projection", async () => {
    const [graph] = firstDenoiser().prompt_graphs;
    if (!graph) throw new Error("no prompt graph");
    const inputs = { prompt_embeds: await upload("prompt_embeds_cond") };
    const { context } = await backend.run({ kind: "graph", ...graph }, inputs);
    expect(relativeDifference(await readFloats(context), tensor("context").data)).toBeLessThanOrEqual(
      SEGMENT_TOLERANCE,
    );
  });

  it("every segment alone, fed with diffusers' own values", async () => {
    const denoiser = firstDenoiser();
    const inputs: Record<string, TensorHandle> = { latents: await upload("step_latents") };
    for (const name of ["time_features", "temb", "conditioning", "context", "rope_cos", "rope_sin"]) {
      inputs[name] = await upload(name);
    }
    for (const [index, segment] of denoiser.segments.entries()) {
      if (index > 0) inputs.hidden = await upload(`hidden_${segment.blocks[0]}`);
      const work = { kind: "segments", denoiser: denoiser.id, from: index, to: index + 1 } as const;
      for (const [name, handle] of Object.entries(await backend.run(work, inputs))) {
        // diffusers has no name for it; policies only take distances on it.
        if (name === "modulated_input") continue;
        const wanted = name === "hidden" ? `hidden_${segment.blocks[1]}` : name;
        const error = relativeDifference(await readFloats(handle), tensor(wanted).data);
        expect(error, `${segment.id}: ${name}`).toBeLessThanOrEqual(SEGMENT_TOLERANCE);
      }
    }
  });
});

describe.each(about.runs)("$width x $height, $frames frames, from the seed $seed alone", (run) => {
  it("the guided loop's latents and the decoded frames are those of diffusers' pipeline", async () => {
    const settings = settingsOf(run);
    const noise = randn(settings.seed, latentDims(bundle.manifest, settings.shape));
    const { latents } = await denoise(bundle, backend, off, settings, { cond, uncond }, noise, {});
    expect(largestDifference(latents, tensor(`${run.name}_latents`).data)).toBeLessThanOrEqual(
      LOOP_TOLERANCE,
    );
    const { frames } = await decode(bundle, backend, settings.shape, latents, {});
    expect(largestDifference(frames.data, levels(run))).toBeLessThanOrEqual(LEVEL_TOLERANCE);
  });

  it("the front door, from prompt to frames, gives the same and leaves no tensor behind", async () => {
    const pipeline = await Pipeline.load(bundle, backend);
    const before = backend.bytesHeld();
    const { frames, settings } = await pipeline.generate({
      prompt: about.prompt,
      negative_prompt: about.negative_prompt,
      seed: run.seed,
      num_inference_steps: about.steps,
      width: run.width,
      height: run.height,
      num_frames: run.frames,
    });
    expect(settings.guidanceScale).toBe(about.guidance);
    expect(largestDifference(frames.data, levels(run))).toBeLessThanOrEqual(LEVEL_TOLERANCE);
    expect(backend.bytesHeld()).toBe(before);
  });
});
