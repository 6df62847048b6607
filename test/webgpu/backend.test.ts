/** The ONNX backend with its tensors on a GPU, through Node's WebGPU provider. */

import { describe, expect, it } from "vitest";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { describeGlue } from "../support/glue-suite.ts";
import { describeOnnxContract } from "../support/onnx-contract.ts";
import { openParity } from "../support/parity.ts";
import { hasWebGpu, NEEDS_GPU } from "../support/webgpu.ts";

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
