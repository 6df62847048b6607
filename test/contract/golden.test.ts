/**
 * The embedded model through ONNX Runtime against PyTorch with the same weights. The reference tensors come from
 * `python -m shapes.golden`.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import { off } from "../../src/engine/cache/off.ts";
import { decode } from "../../src/engine/decode.ts";
import { denoise } from "../../src/engine/denoise.ts";
import { provide } from "../../src/engine/provided.ts";
import { randn } from "../../src/engine/random.ts";
import type { State, TensorHandle } from "../../src/engine/segments/contract.ts";
import type { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { largestDifference, relativeDifference } from "../support/golden.ts";
import { conditioningOf, golden, goldenSettings, openShapes, reference } from "../support/shapes.ts";
import { plainLoop } from "./plain-loop.ts";

/** Of the largest value in the tensor where that is above 1: hidden states reach 100, where a float32 has 8e-6. */
const SEGMENT_TOLERANCE = 1e-5;
const LOOP_TOLERANCE = 1e-4;

let bundle: Bundle;
let backend: OnnxBackend;
let cond: State;
let uncond: State;

beforeAll(async () => {
  ({ bundle, backend } = await openShapes());
  cond = await conditioningOf(bundle, backend, golden.prompt);
  uncond = await conditioningOf(bundle, backend, "");
});

afterAll(async () => {
  await backend.dispose();
});

function upload(name: string): Promise<TensorHandle> {
  const { dims, data } = reference(name);
  return backend.upload({ dtype: "float32", dims, data });
}

async function readFloats(handle: TensorHandle | undefined): Promise<Float32Array> {
  if (!handle) throw new Error("no such tensor");
  return (await backend.read(handle)).data as Float32Array;
}

describe("the reference fits the bundle", () => {
  it("was made from these very weights", () => {
    expect(golden.bundle_digest).toBe(bundle.digest);
  });
});

describe("what the engine computes itself", () => {
  it("the noise of the seed is PyTorch's, bit for bit", () => {
    const { dims, data } = reference("noise");
    expect(
      Buffer.from(randn(golden.seed, dims).buffer).equals(
        Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      ),
    ).toBe(true);
  });

  it.each(["time_features", "rope_cos", "rope_sin"])("%s is PyTorch's to the last float32 digits", (name) => {
    const value = bundle.manifest.denoisers[0]?.values[name]?.provided;
    if (!value) throw new Error(`${name} is not provided`);
    const sigma = golden.sigmas[golden.step] ?? 0;
    const made = provide(value, goldenSettings(bundle).shape, {
      sigma,
      timestep: sigma * 1000,
      guidanceScale: golden.guidance,
    });
    expect(made.dims).toEqual(reference(name).dims);
    expect(largestDifference(made.data as Float32Array, reference(name).data)).toBeLessThanOrEqual(1.2e-7);
  });
});

describe(`each graph is within ${SEGMENT_TOLERANCE} of PyTorch`, () => {
  it.each(["context", "pooled"])("the text encoder's %s, for the prompt and for nothing", async (name) => {
    expect(
      largestDifference(await readFloats(cond[name]), reference(`${name}_cond`).data),
    ).toBeLessThanOrEqual(SEGMENT_TOLERANCE);
    expect(
      largestDifference(await readFloats(uncond[name]), reference(`${name}_uncond`).data),
    ).toBeLessThanOrEqual(SEGMENT_TOLERANCE);
  });

  it("every segment alone, fed with PyTorch's inputs", async () => {
    const denoiser = bundle.manifest.denoisers[0];
    if (!denoiser) throw new Error("no denoiser");
    const blocks = denoiser.segments.length - 2;
    const sigma = await backend.upload({
      dtype: "float32",
      dims: [1],
      data: Float32Array.of(golden.sigmas[golden.step] ?? 0),
    });
    const inputs: Record<string, TensorHandle> = {
      sigma,
      latents: await upload(`latents_after_${golden.step - 1}`),
    };
    for (const name of ["time_features", "temb", "conditioning", "rope_cos", "rope_sin"])
      inputs[name] = await upload(name);
    for (const name of ["context", "pooled"]) inputs[name] = await upload(`${name}_cond`);
    for (const [index, segment] of denoiser.segments.entries()) {
      if (index > 0) inputs.hidden = await upload(`hidden_${index - 1}`);
      const produced = await backend.run(
        { kind: "segments", denoiser: denoiser.id, from: index, to: index + 1 },
        inputs,
      );
      for (const [name, handle] of Object.entries(produced)) {
        const wanted = name === "hidden" ? `hidden_${index}` : name === "velocity" ? "velocity_cond" : name;
        const error = relativeDifference(await readFloats(handle), reference(wanted).data);
        expect(error, `${segment.id}: ${name}`).toBeLessThanOrEqual(SEGMENT_TOLERANCE);
      }
      backend.release(produced);
    }
    expect(blocks).toBe(8);
  });

  it("the finer partition gives what the block gives", async () => {
    const denoiser = bundle.manifest.denoisers[0];
    if (!denoiser) throw new Error("no denoiser");
    let state: Record<string, TensorHandle> = { hidden: await upload("hidden_0") };
    for (const name of ["conditioning", "rope_cos", "rope_sin"]) state[name] = await upload(name);
    state.context = await upload("context_cond");
    for (const [index, step] of denoiser.modules.entries()) {
      for (const part of ["compute", "apply"] as const) {
        state = {
          ...state,
          ...(await backend.run({ kind: "module", denoiser: denoiser.id, index, part }, state)),
        };
      }
      const last = denoiser.modules[index + 1]?.block !== step.block;
      if (!last) continue;
      const wanted = reference(`hidden_${step.block + 1}`).data;
      expect(
        relativeDifference(await readFloats(state.hidden), wanted),
        `block ${step.block}`,
      ).toBeLessThanOrEqual(SEGMENT_TOLERANCE);
    }
  });
});

describe("the 20-step loop with guidance", () => {
  it("policy off, a plain loop over the segments, the one-graph model and PyTorch agree", async () => {
    const settings = goldenSettings(bundle);
    const noise = randn(golden.seed, reference("noise").dims);
    const { latents, steps } = await denoise(bundle, backend, off, settings, { cond, uncond }, noise, {});
    const plain = await plainLoop(
      bundle,
      backend,
      { cond, uncond },
      noise,
      golden.sigmas,
      golden.guidance,
      "segments",
    );
    const whole = await plainLoop(
      bundle,
      backend,
      { cond, uncond },
      noise,
      golden.sigmas,
      golden.guidance,
      "whole",
    );

    expect(
      Buffer.from(latents.buffer).equals(Buffer.from(plain.buffer)),
      "bit-identical to the plain loop",
    ).toBe(true);
    expect(largestDifference(latents, whole)).toBeLessThanOrEqual(SEGMENT_TOLERANCE);
    expect(largestDifference(latents, reference("latents_after_19").data)).toBeLessThanOrEqual(
      LOOP_TOLERANCE,
    );
    expect(steps.map(({ sigma }) => Math.fround(sigma))).toEqual(golden.sigmas.slice(0, -1).map(Math.fround));

    const { frames } = await decode(bundle, backend, settings.shape, latents, {});
    const pixels = frames.width * frames.height;
    const expected = reference("frames").data;
    golden.frame_indices.forEach((frame, i) => {
      for (let channel = 0; channel < 3; channel++) {
        const mine = Float32Array.from(
          { length: pixels },
          (_, p) => frames.data[(frame * pixels + p) * 3 + channel] ?? 0,
        );
        const at = (channel * golden.frame_indices.length + i) * pixels;
        const theirs = expected
          .subarray(at, at + pixels)
          .map((x) => Math.min(255, Math.max(0, (x + 1) * 127.5)));
        expect(largestDifference(mine, theirs), `frame ${frame}, channel ${channel}`).toBeLessThanOrEqual(
          0.51,
        );
      }
    });
  });

  it("holds no tensor of a run once the run is over", async () => {
    const before = backend.bytesHeld();
    const settings = goldenSettings(bundle, { steps: 2 });
    await denoise(bundle, backend, off, settings, { cond, uncond }, randn(1, reference("noise").dims), {});
    expect(backend.bytesHeld()).toBe(before);
  });
});
