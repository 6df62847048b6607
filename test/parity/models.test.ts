/**
 * Every model through the engine against diffusers' pipeline: the true architectures, tiny, with random weights.
 * Bundles and references come from `python/parity`; a new fixture needs no code here.
 */

import { describe, expect, it } from "vitest";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { PARITY_FIXTURES, variantsOf } from "../support/parity.ts";
import { describeCosine } from "../support/parity-cosine.ts";
import { describeParity, type OpenBackend } from "../support/parity-suite.ts";

/** What half precision and 8-bit weights must keep of a direction; 8 bits depend on the weights, so little is asked. */
const LEAST_COSINES = [
  ["fp16", 0.9999],
  ["int8", 0.99],
] as const;

const open =
  (variant?: string): OpenBackend =>
  async (bundle, files) =>
    new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }), variant);

it("there are fixtures", () => {
  expect(PARITY_FIXTURES).not.toEqual([]);
});

describe.each(PARITY_FIXTURES)("%s", (name) => {
  describe("plain", () => describeParity(name, open()));
  const variants = variantsOf(name);
  const exact = ["fused", "portable"].filter((id) => variants.includes(id));
  describe.each(exact)("%s", (variant) => describeParity(name, open(variant)));
  const rounded = LEAST_COSINES.filter(([id]) => variants.includes(id));
  describe.each(rounded)("%s", (variant, least) => describeCosine(name, open(variant), least));
});
