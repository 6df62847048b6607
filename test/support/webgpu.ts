/** A GPU for Node's WebGPU provider: the machine's own, or the one made of software that comes with Chromium. */

import { existsSync, realpathSync } from "node:fs";
import path from "node:path";
import { MixcacheError } from "../../src/errors.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { findChromium } from "./chromium.ts";

/** How to get one, for the names of tests that are skipped. */
export const NEEDS_GPU = "needs a GPU, or Chromium's SwiftShader: apt-get install chromium libvulkan1";

/** SwiftShader's description for the Vulkan loader, beside Chromium's program. */
function swiftShader(): string | undefined {
  const chromium = findChromium();
  const folders = ["/usr/lib/chromium", ...(chromium ? [path.dirname(realpathSync(chromium))] : [])];
  return folders
    .map((folder) => path.join(folder, "vk_swiftshader_icd.json"))
    .find((file) => existsSync(file));
}

/**
 * Whether ONNX Runtime can open WebGPU here. SwiftShader is taken unless VK_ICD_FILENAMES says otherwise; the loader
 * reads that when the first session is created, so this comes before any.
 */
export async function hasWebGpu(): Promise<boolean> {
  const icd = process.env.VK_ICD_FILENAMES ?? swiftShader();
  if (icd !== undefined) process.env.VK_ICD_FILENAMES = icd;
  try {
    await openOnnxNode(new FolderFiles("."), { threads: 1, device: "webgpu" });
    return true;
  } catch (error) {
    if (error instanceof MixcacheError && error.code === "engine_unavailable") return false;
    throw error;
  }
}
