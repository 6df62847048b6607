/**
 * Every model through the engine against diffusers' pipeline: the true architectures, tiny, with random weights.
 * Bundles and references come from `python/parity`; a new fixture needs no code here.
 */

import { describe, expect, it } from "vitest";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { PARITY_FIXTURES } from "../support/parity.ts";
import { describeParity } from "../support/parity-suite.ts";

it("there are fixtures", () => {
  expect(PARITY_FIXTURES).not.toEqual([]);
});

describe.each(PARITY_FIXTURES)("%s", (name) => {
  describeParity(
    name,
    async (bundle, files) => new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 })),
  );
});
