/** The ONNX backend on the CPU: the contract, devices that are not there, variants. */

import { describe, expect, it } from "vitest";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/embedded.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { cpuGlue } from "../support/cpu-glue.ts";
import { describeOnnxContract } from "../support/onnx-contract.ts";
import { openShapes } from "../support/shapes.ts";

describe("tensors in the host's memory", () => {
  describeOnnxContract((files) => openOnnxNode(files, { threads: 1 }));
});

describe("with graphs for all arithmetic", () => {
  describeOnnxContract(async (files) => ({
    ...(await openOnnxNode(files, { threads: 1 })),
    createGlue: cpuGlue,
  }));
});

it("refuses a device that this machine's ONNX Runtime lacks, instead of running on the CPU in silence", async () => {
  const open = openOnnxNode(new FolderFiles(EMBEDDED_BUNDLE), { threads: 1, device: "cuda" });
  await expect(open).rejects.toMatchObject({
    code: "engine_unavailable",
    message: expect.stringContaining("cuda"),
  });
});

describe("variants", () => {
  it("their graphs stand in for the plain ones, and an unknown one is refused by name", async () => {
    const files = new FolderFiles(EMBEDDED_BUNDLE);
    const { bundle } = await openShapes();
    const replaces = { "block_0.onnx": "block_1.onnx" };
    const manifest = { ...bundle.manifest, variants: [{ id: "swapped", description: "", replaces }] };
    const loaded: string[] = [];
    const runtime = await openOnnxNode(files, { threads: 1 });
    const watched = {
      ...runtime,
      createSession: (graph: string) => {
        loaded.push(graph);
        return runtime.createSession(graph);
      },
    };
    const swapped = new OnnxBackend(manifest, watched, "swapped");
    await swapped.load([{ kind: "segments", denoiser: "main", from: 0, to: 3 }]);
    expect(loaded).toEqual(["front.onnx", "block_1.onnx", "block_1.onnx"]);
    await swapped.dispose();
    expect(() => new OnnxBackend(manifest, watched, "int4")).toThrow(/no variant int4; it has swapped/);
  });
});
