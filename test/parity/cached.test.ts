/**
 * Cached runs of the true architectures, tiny, against diffusers' own cache hooks with the same settings: First Block
 * Cache, MagCache, TaylorSeer, FasterCache and PAB. `python/parity/cached.py` says which settings these are.
 */

import { describe, expect, it } from "vitest";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { openParity, PARITY_FIXTURES } from "../support/parity.ts";
import { describeCached } from "../support/parity-cached.ts";

const fixtures = PARITY_FIXTURES.filter((name) => openParity(name).about.cached);

it("every hook is held against two architectures", () => {
  const names = fixtures.flatMap((name) => openParity(name).about.cached?.map((cached) => cached.name) ?? []);
  const hooks = ["fbcache", "fastercache", "magcache", "pab", "taylorseer"];
  expect(names.toSorted()).toEqual(hooks.flatMap((hook) => [hook, hook]).toSorted());
});

describe.each(fixtures)("%s", (name) => {
  describeCached(
    name,
    async (bundle, files) => new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 })),
  );
});
