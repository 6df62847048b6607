/**
 * Live decisions on two backends part only within the margin rule. Here the second backend is the first one with
 * other last bits, so that this needs no Python; `torch.test.ts` has the torch worker as the second.
 */

import { describe, expect, it } from "vitest";
import type { SegmentBackend, TensorHandle } from "../../src/engine/segments/contract.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import type { LiveRun } from "../support/live-runs.ts";
import { compareRuns } from "../support/margin-rule.ts";
import { describeDecisions, openPair } from "../support/parity-decisions.ts";
import type { OpenBackend } from "../support/parity-suite.ts";

/** Guidance with modules, two experts, guidance that is embedded, and another scheduler. */
const FIXTURES = ["wan-2.2-5b", "wan-2.2-a14b", "hunyuan-video", "cogvideox-rotary"];
/** As two machines round float32; and what nobody could call rounding. */
const LAST_BITS = 1e-6;
const BROKEN = 0.05;

const onnx: OpenBackend = async (bundle, files) =>
  new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }));

/** ONNX Runtime with each number off by up to a share of itself, the same each time. */
function offBy(share: number): OpenBackend {
  return async (bundle, files) => {
    const backend = await onnx(bundle, files);
    const reduce: SegmentBackend["reduce"] = async (...of) => {
      const scalar = await backend.reduce(...of);
      return scalar * (1 + share * Math.sin(1e5 * scalar));
    };
    const read = async (handle: TensorHandle) => {
      const tensor = await backend.read(handle);
      if (!(tensor.data instanceof Float32Array)) return tensor;
      return { ...tensor, data: tensor.data.map((x, i) => x * (1 + share * Math.sin(12.9898 * i))) };
    };
    return new Proxy(backend, {
      get: (target, key) => {
        if (key === "reduce") return reduce;
        if (key === "read") return read;
        const found = Reflect.get(target, key, target);
        return typeof found === "function" ? found.bind(target) : found;
      },
    });
  };
}

describe.each(FIXTURES)("%s and other last bits", (name) => {
  describeDecisions(name, [onnx, offBy(LAST_BITS)]);
});

describe("a backend that is wrong is found out", () => {
  const pair = openPair("wan-2.2-5b", [onnx, offBy(BROKEN)]);
  it.each(pair.cases)("by $name", async ({ cache, factors }) => {
    const [a, b] = await pair.run(cache, cache);
    expect(() => compareRuns(a, b, factors)).toThrow(/apart/);
  });
});

describe("decisions that nothing measured explains are found out", () => {
  const pair = openPair("wan-2.2-5b", [onnx, onnx]);
  const decided = pair.cases.filter(({ between }) => between);
  it.each(decided)("by $name, decided otherwise on one side", async ({ cache, factors }) => {
    const dial = cache.quality === undefined ? "threshold" : "quality";
    const [a, b] = await pair.run(cache, { ...cache, [dial]: 3 * Number(cache[dial]) });
    expect(() => compareRuns(a, b, factors)).toThrow(/the runs part/);
  });
});

describe("the margin rule", () => {
  interface Made {
    readonly mode: string;
    readonly scalar: number;
    readonly margin?: number;
  }
  const run = (steps: readonly Made[], value = 0): LiveRun => ({
    steps: steps.map(({ mode, scalar, margin }, index) => ({
      index,
      sigma: 1,
      denoiser: "main",
      branches: [],
      flops: 1,
      fullFlops: 1,
      decision: { mode, ...(margin !== undefined && { margin }) },
      scalars: [scalar],
      durationMs: 1,
      policyMs: 0,
    })),
    heard: steps.map(({ scalar }) => [{ about: "change", value: scalar }]),
    latents: Float32Array.of(value),
    frames: [value],
  });
  const first: Made = { mode: "full", scalar: 1, margin: 1 };
  const recorded = run([first, { mode: "step", scalar: 0.1, margin: 2e-6 }]);
  const other = (scalar: number, margin?: number) =>
    run([first, { mode: "full", scalar, ...(margin !== undefined && { margin }) }]);

  it("lets runs part where the margin is below the error of the scalars, and says where", () => {
    const compared = compareRuns(recorded, other(0.1 * (1 + 4e-6), 2e-6));
    expect(compared.parted).toEqual({ step: 1, margin: 2e-6 });
    expect(compared.scalarError).toBeCloseTo(4e-6, 9);
  });

  it.each([
    ["a margin above the error", other(0.1 * (1 + 1e-6), 2e-6), /step 1: the runs part/],
    ["a margin above the error on one side", other(0.1 * (1 + 4e-6), 5e-6), /step 1: the runs part/],
    ["no margin", other(0.1 * (1 + 4e-6)), /step 1: the runs part/],
    ["scalars too far apart", other(0.1 * 1.05, 2e-6), /step 1: scalars are .* apart/],
    ["no number", other(Number.NaN, 2e-6), /step 1: scalars are .* apart/],
  ])("refuses %s", (_, theirs, sentence) => {
    expect(() => compareRuns(recorded, theirs)).toThrow(sentence);
  });

  it("grants a value that is a product its factors' errors", () => {
    const theirs = other(0.1 * (1 + 1e-6), 2e-6);
    expect(compareRuns(recorded, theirs, 4).parted).toBeDefined();
  });

  it("asks for the same latents and frames where nothing parts", () => {
    expect(compareRuns(run([first]), run([first]))).toEqual({ scalarError: 0, scalars: 1 });
    expect(() => compareRuns(run([first]), run([first], 1e-3))).toThrow(/the latents are/);
    const brighter = { ...run([first]), frames: [2] };
    expect(() => compareRuns(run([first]), brighter)).toThrow(/the frames are 2 levels apart/);
  });
});
