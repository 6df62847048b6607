/** An ONNX graph with one MatMul: what the machine can do at best. */

import { type OnnxValue, writeOnnx } from "../../src/engine/segments/onnx-writer.ts";

/** The bytes of a model that computes C = A · B, all of them [size, size] and float32. */
export function matmulModel(size: number): Uint8Array {
  const matrix = (name: string): OnnxValue => ({ name, dtype: "float32", dims: [size, size] });
  return writeOnnx({
    name: "matmul",
    nodes: [{ op: "MatMul", inputs: ["A", "B"], outputs: ["C"] }],
    inputs: [matrix("A"), matrix("B")],
    outputs: [matrix("C")],
  });
}
