/** ONNX_DEVICE=webgpu on the command line: a video where there is a GPU, a sentence where there is none. */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { PROMPT, Sandbox } from "../cli/run.ts";
import { type ToyFolder, toyFolder } from "../support/toy-folder.ts";
import { hasWebGpu, NEEDS_GPU } from "../support/webgpu.ts";

const there = await hasWebGpu();

describe("ONNX_DEVICE=webgpu", () => {
  let toy: ToyFolder;
  let sandbox: Sandbox;

  beforeAll(async () => {
    toy = toyFolder();
    sandbox = await Sandbox.create();
  });
  afterAll(async () => {
    toy.remove();
    await sandbox.remove();
  });

  const generate = (env: Readonly<Record<string, string>>) =>
    sandbox.run(["generate", PROMPT, "--bundle", toy.folder, "--steps", "2", "--trace", "trace.json"], {
      env: { ONNX_DEVICE: "webgpu", ...env },
    });

  it.skipIf(!there)(`makes a video (${NEEDS_GPU})`, async () => {
    const { VK_ICD_FILENAMES } = process.env;
    const { code, stderr } = await generate({ ...(VK_ICD_FILENAMES !== undefined && { VK_ICD_FILENAMES }) });
    expect(stderr).not.toMatch(/mixcache: /);
    expect(code).toBe(0);
    const { engine } = JSON.parse(readFileSync(sandbox.pathOf("trace.json"), "utf8"));
    expect(engine).toMatchObject({ backend: "onnx", device: "webgpu" });
  });

  // Elsewhere than on Linux a GPU can't be hidden so.
  it.skipIf(process.platform !== "linux")("says what is missing where there is no GPU", async () => {
    const { code, stderr } = await generate({ VK_ICD_FILENAMES: "/nowhere.json" });
    expect(code).toBe(EXIT.engine);
    expect(stderr).toMatch(/mixcache: ONNX Runtime can't use webgpu on this machine.*\./);
  });
});
