/** The ONNX backend with its tensors on a GPU, through Node's WebGPU provider. */

import { Tensor } from "onnxruntime-common";
import { describe, expect, it } from "vitest";
import { randn } from "../../src/engine/random.ts";
import { writeOnnx } from "../../src/engine/segments/onnx-writer.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { cpuGlue } from "../support/cpu-glue.ts";
import { describeGlue } from "../support/glue-suite.ts";
import { largestDifference } from "../support/golden.ts";
import { describeOnnxContract } from "../support/onnx-contract.ts";
import { openParity } from "../support/parity.ts";
import { hasWebGpu, NEEDS_GPU } from "../support/webgpu.ts";

/** y = x * weights, 3 × 3, on a square of so many pixels along an edge. */
function convolution(from: number, to: number, size: number): Uint8Array {
  const weights = [to, from, 3, 3];
  return writeOnnx({
    name: "convolution",
    nodes: [{ op: "Conv", inputs: ["x", "w"], outputs: ["y"], attributes: { pads: [1, 1, 1, 1] } }],
    inputs: [{ name: "x", dtype: "float32", dims: [1, from, size, size] }],
    outputs: [{ name: "y", dtype: "float32", dims: [1, to, size, size] }],
    initializers: { w: { dtype: "float32", dims: weights, data: randn(1, weights) } },
  });
}

const there = await hasWebGpu();
const open = (files: FolderFiles) => openOnnxNode(files, { threads: 1, device: "webgpu" });

describe.skipIf(!there)(`on WebGPU (${NEEDS_GPU})`, () => {
  describe("the contract", () => {
    describeOnnxContract(open);
  });

  describe("the arithmetic", () => {
    let runtime: ReturnType<typeof open> | undefined;
    describeGlue(async (...of) => {
      runtime ??= open(new FolderFiles("."));
      const { createGlue } = await runtime;
      if (!createGlue) throw new Error("WebGPU has no glue");
      return createGlue(...of);
    }, 20);
  });

  it("convolves nine channels as the CPU does, which ONNX Runtime's default layout does not", async () => {
    const model = convolution(9, 8, 16);
    const sessions = [
      await cpuGlue(model, "cpu"),
      await (await open(new FolderFiles("."))).createGlue?.(model, "cpu"),
    ];
    const x = new Tensor("float32", randn(3, [1, 9, 16, 16]), [1, 9, 16, 16]);
    const [wanted, made] = await Promise.all(
      sessions.map(async (session) => Array.from((await session?.run({ x }))?.y?.data as Float32Array)),
    );
    expect(largestDifference(wanted ?? [], made ?? [Number.NaN])).toBeLessThan(1e-4);
    for (const session of sessions) await session?.release();
  });

  it("a graph that must run there as a whole is refused where an operator can't, by a sentence", async () => {
    const { files } = openParity("wan");
    const runtime = await openOnnxNode(files, {
      threads: 1,
      device: "webgpu",
      wholly: (graph) => graph === "front.onnx",
    });
    await expect(runtime.createSession("front.onnx")).rejects.toMatchObject({
      code: "bundle_unsupported",
      message: expect.stringMatching(/front\.onnx .* ONNX_DEVICE=cpu/),
    });
    await (await runtime.createSession("head.onnx")).release();
  });
});
