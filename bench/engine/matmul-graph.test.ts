/** The written graph is what ONNX Runtime reads as a MatMul. */

import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Tensor } from "onnxruntime-common";
import { expect, it } from "vitest";
import { FolderFiles, openOnnxNode } from "../../src/node/index.ts";
import { matmulModel } from "./matmul-graph.ts";

it("multiplies matrices in ONNX Runtime", async () => {
  const name = `mixcache-matmul-${process.pid}.onnx`;
  await writeFile(path.join(tmpdir(), name), matmulModel(2));
  const runtime = await openOnnxNode(new FolderFiles(tmpdir()), { threads: 1 });
  const session = await runtime.createSession(name);
  const square = (...numbers: number[]) => new Tensor("float32", Float32Array.from(numbers), [2, 2]);
  const { C } = await session.run({ A: square(1, 2, 3, 4), B: square(5, 6, 7, 8) });
  expect(Array.from(C?.data as Float32Array)).toEqual([19, 22, 43, 50]);
  await session.release();
});
