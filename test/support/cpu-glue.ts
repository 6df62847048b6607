/**
 * The device-resident path without a device: graphs that the backend writes run on the CPU. Everything is there but
 * the GPU buffers, so that contracts can be tested on any machine.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { OnnxRuntime } from "../../src/engine/segments/onnx.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";

/** Opens a written graph on the CPU, wherever its output is wanted. */
export const cpuGlue: NonNullable<OnnxRuntime["createGlue"]> = async (model) => {
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-glue-"));
  try {
    writeFileSync(path.join(folder, "glue.onnx"), model);
    const runtime = await openOnnxNode(new FolderFiles(folder), { threads: 1 });
    return await runtime.createSession("glue.onnx");
  } finally {
    rmSync(folder, { recursive: true });
  }
};
