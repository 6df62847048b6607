/** Guarantee: what of the engine needs no ONNX Runtime gives in workerd what it gives in Node, to the byte. */

import { expect, inject, it } from "vitest";
import { pureOutputs } from "../support/pure-parts.ts";

it("the engine without its model", async () => {
  const { trace, outputs } = JSON.parse(inject("pure" as never) as string);
  expect(await pureOutputs(trace)).toEqual(outputs);
});
