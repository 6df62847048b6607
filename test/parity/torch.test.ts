/**
 * Every model through the torch worker against diffusers' pipeline: the suites of `models.test.ts` and
 * `cached.test.ts` on another backend. Its live decisions are held against those of ONNX Runtime.
 *
 * `npm run test:parity` makes the weights and runs this; without Python there is nothing to run.
 */

import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { openBackend, openOnnxNode, type TorchOptions } from "../../src/node/index.ts";
import { workerCommand } from "../../src/node/torch-worker.ts";
import { openParity, PARITY_FIXTURES } from "../support/parity.ts";
import { describeCached } from "../support/parity-cached.ts";
import { cosine, describeCosine } from "../support/parity-cosine.ts";
import { describeDecisions } from "../support/parity-decisions.ts";
import { describeParity, type OpenBackend } from "../support/parity-suite.ts";

/** Set by test:parity: a Python that has torch, and a folder with a diffusers folder for each fixture. */
const { MIXCACHE_PARITY_PYTHON: python, MIXCACHE_PARITY_WEIGHTS: weights } = process.env;

/** The worker, with what the tiny models narrow. */
const TINY_WORKER = path.join(import.meta.dirname, "../../python/parity/worker.py");

/** float16 has 11 bits and bfloat16 8; the worker keeps norms and sums of residuals in float32. */
const HALVES = [
  ["float16", 0.9999],
  ["bfloat16", 0.999],
] as const;

it("the cosine tells directions apart", () => {
  expect(cosine([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
  expect(cosine([1, 0], [1, 0.1])).toBeLessThan(0.9999);
  expect(cosine([1, 0], [1])).toBeNaN();
});

function open(name: string, dtype: NonNullable<TorchOptions["dtype"]>): OpenBackend {
  return async ({ manifest }, files) => {
    if (!python || !weights) throw new Error("npm run test:parity sets the variables that this needs");
    const torch = { python, weights: path.join(weights, name), device: "cpu", dtype };
    const command = workerCommand(torch, 1).map((word) => (word.endsWith(".py") ? TINY_WORKER : word));
    const options = { ...torch, watch: { command } };
    return (await openBackend(manifest, files, { bundle: files.location, threads: 1, torch: options }))
      .backend;
  };
}

const onnx: OpenBackend = async ({ manifest }, files) =>
  new OnnxBackend(manifest, await openOnnxNode(files, { threads: 1 }));

const here = PARITY_FIXTURES.filter((name) => weights && existsSync(path.join(weights, name)));
const forTorch = here.filter((name) => openParity(name).engines().includes("torch"));

describe.skipIf(!python || here.length === 0)("the torch worker (npm run test:parity)", () => {
  describe.each(forTorch)("%s", (name) => {
    describe("float32", () => describeParity(name, open(name, "float32")));
    const { cached = [] } = openParity(name).about;
    if (cached.length > 0) describe("cached", () => describeCached(name, open(name, "float32")));
    describe("decisions", () => describeDecisions(name, [onnx, open(name, "float32")]));
    describe.each(HALVES)("%s", (dtype, least) => describeCosine(name, open(name, dtype), least));
  });
  it("finds every bundle exported for torch", () => expect(forTorch).toEqual(here));
  it("is measured where Python is at hand", () => expect(here).not.toEqual([]));
});
