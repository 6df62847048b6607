/** What is written is what ONNX Runtime reads. */

import { Tensor } from "onnxruntime-common";
import { expect, it } from "vitest";
import { cpuGlue } from "../../../test/support/cpu-glue.ts";
import { type OnnxGraph, writeOnnx } from "./onnx-writer.ts";

/** Rows of x [n, 3], normalised, picked by `rows` and with a constant added. */
const GRAPH: OnnxGraph = {
  name: "everything",
  inputs: [{ name: "x", dtype: "float32", dims: ["n", 3] }],
  outputs: [{ name: "y", dtype: "float32", dims: [2, 3] }],
  nodes: [
    {
      op: "LayerNormalization",
      inputs: ["x", "scale"],
      outputs: ["normal"],
      attributes: { axis: -1, epsilon: { float: 0.25 } },
    },
    { op: "Gather", inputs: ["normal", "rows"], outputs: ["picked"], attributes: { axis: 0 } },
    { op: "Transpose", inputs: ["picked"], outputs: ["turned"], attributes: { perm: [1, 0] } },
    { op: "Transpose", inputs: ["turned"], outputs: ["back"], attributes: { perm: [1, 0] } },
    { op: "Add", inputs: ["back", "half"], outputs: ["y"] },
  ],
  initializers: {
    scale: { dtype: "float32", dims: [3], data: Float32Array.of(1, 2, 3) },
    rows: { dtype: "int64", dims: [2], data: BigInt64Array.of(-1n, 0n) },
    half: { dtype: "float32", dims: [], data: Float32Array.of(0.5) },
  },
};

it("attributes, constants and sizes arrive", async () => {
  const session = await cpuGlue(writeOnnx(GRAPH), "cpu");
  expect(session.inputMetadata).toEqual([expect.objectContaining({ name: "x", shape: ["n", 3] })]);
  expect(session.outputMetadata).toEqual([expect.objectContaining({ name: "y", shape: [2, 3] })]);
  const x = new Tensor("float32", Float32Array.of(9, 9, 9, 0, 3, 6), [2, 3]);
  const { y } = await session.run({ x });
  // The last row has mean 3 and variance 6; 6 + 0.25 is the square of 2.5. The first one has none.
  const wanted = [-3 / 2.5 + 0.5, 0.5, 9 / 2.5 + 0.5, 0.5, 0.5, 0.5];
  for (const [i, value] of Array.from(y?.data as Float32Array).entries())
    expect(value).toBeCloseTo(wanted[i] ?? Number.NaN, 6);
  await session.release();
});

it("sizes of more than one byte, and strangers to ASCII in names", async () => {
  const name = "größe";
  const session = await cpuGlue(
    writeOnnx({
      name: "wide",
      nodes: [{ op: "Identity", inputs: [name], outputs: ["y"] }],
      inputs: [{ name, dtype: "float16", dims: [300, 70_000] }],
      outputs: [{ name: "y", dtype: "float16", dims: [300, 70_000] }],
    }),
    "cpu",
  );
  expect(session.inputMetadata).toEqual([
    expect.objectContaining({ name, type: "float16", shape: [300, 70_000] }),
  ]);
  await session.release();
});
