/**
 * The torch worker's process, disturbed in every way: each gives the right error, and the next video is the undisturbed
 * one. The worker is the double in TypeScript, so that this runs where there is no Python.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { EngineChild } from "../../src/node/index.ts";
import { ended, framesHash, isRunning } from "../../src/node/testing.ts";
import { type TorchBundle, torchBundle } from "../support/torch-bundle.ts";
import { childrenOf, workerOf } from "./processes.ts";

const REQUEST = { prompt: "a cat", num_inference_steps: 2, seed: 3, cache: "off" };

let bundle: TorchBundle;
let shared: EngineChild;
let undisturbed: string;

beforeAll(async () => {
  bundle = torchBundle();
  shared = await EngineChild.start(bundle.options);
  undisturbed = framesHash(await shared.generate(REQUEST));
});

afterAll(() => {
  shared?.dispose();
  bundle?.remove();
});

/** Does something once, when the second graph of the denoiser is done. */
function disturbed(disturbance: () => void) {
  let count = 0;
  return shared.generate(REQUEST, {
    onProgress: ({ phase }) => {
      if (phase === "denoise" && ++count === 2) disturbance();
    },
  });
}

const expectGoodRun = async () => expect(framesHash(await shared.generate(REQUEST))).toBe(undisturbed);

describe("a torch worker that", () => {
  it("works says so", async () => {
    expect(await shared.info()).toMatchObject({
      backend: "torch",
      device: "double",
      details: expect.stringContaining("float32"),
    });
  });

  it("is killed during a video", async () => {
    const worker = workerOf(shared);
    const child = shared.pid;
    await expect(disturbed(() => process.kill(worker, "SIGKILL"))).rejects.toMatchObject({
      code: "engine_crashed",
      message: expect.stringContaining("SIGKILL"),
    });
    await expectGoodRun();
    expect(shared.pid).toBe(child);
    expect(workerOf(shared)).not.toBe(worker);
  });

  it("is killed between videos costs nobody a video", async () => {
    const worker = workerOf(shared);
    process.kill(worker, "SIGKILL");
    await ended(worker);
    await expectGoodRun();
  });

  it("stands still is killed as hung, long before a video's own limit", async () => {
    const worker = workerOf(shared);
    await expect(disturbed(() => process.kill(worker, "SIGSTOP"))).rejects.toMatchObject({
      code: "engine_hung",
    });
    await ended(worker);
    await expectGoodRun();
  });

  it.each([
    ["says nothing any more", "silent", "engine_hung", /no sign of life for 5 s/],
    ["is cut off in the middle of a frame", "truncated", "engine_crashed", /cut short/],
    ["prints among its frames", "garbage", "engine_failed", /no frame begins there/],
    ["fails and ends", "exit", "engine_crashed", /exit code 3.*RuntimeError: the device is gone/],
    ["aborts for lack of memory", "bad_alloc", "engine_out_of_memory", /./],
    ["runs out of the device's memory", "out of memory", "engine_out_of_memory", /./],
  ])("%s", async (_, fault, code, message) => {
    bundle.fault(fault);
    await expect(shared.generate(REQUEST)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    await expectGoodRun();
  });
});

describe("an engine whose torch worker can't start says why:", () => {
  let engine: EngineChild | undefined;
  afterEach(() => engine?.dispose());

  it.each([
    ["another version", "version", "engine_unavailable", /version 2 .* version 1/],
    ["no torch", "missing module", "engine_unavailable", /No module named 'torch'.*requirements\.txt/],
    ["never ready", "never ready", "engine_hung", /not ready after 10 s/],
  ])("%s", async (_, fault, code, message) => {
    bundle.fault(fault);
    const { torch } = bundle.options;
    const watch = { ...torch.watch, ...(fault === "never ready" && { startTimeoutMs: 10_000 }) };
    const start = EngineChild.start({ ...bundle.options, torch: { ...torch, watch } });
    await expect(start).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    engine = await EngineChild.start(bundle.options);
    expect(framesHash(await engine.generate(REQUEST))).toBe(undisturbed);
  });

  it("no such Python", async () => {
    const torch = { ...bundle.options.torch, python: "/nowhere/python3", watch: {} };
    await expect(EngineChild.start({ ...bundle.options, torch })).rejects.toMatchObject({
      code: "engine_unavailable",
      message: expect.stringMatching(/\/nowhere\/python3 .*ENOENT.*TORCH_PYTHON/),
    });
  });
});

describe("nothing stays behind", () => {
  it("when the engine's child is killed", async () => {
    const engine = await EngineChild.start(bundle.options);
    const worker = workerOf(engine);
    process.kill(engine.pid ?? 0, "SIGKILL");
    await ended(worker);
    engine.dispose();
  });

  it("when the engine is closed", async () => {
    const engine = await EngineChild.start(bundle.options);
    const worker = workerOf(engine);
    engine.dispose();
    await ended(worker);
  });

  it("when the engine's parent is killed in the middle of a video", async () => {
    const module = path.join(import.meta.dirname, "../../src/node/index.ts");
    const source = `import { EngineChild } from ${JSON.stringify(module)};
      const engine = await EngineChild.start(${JSON.stringify(bundle.options)});
      const onProgress = (p) => p.phase === "denoise" && process.stdout.write(engine.pid + "\\n");
      await engine.generate({ prompt: "a", num_inference_steps: 1000, cache: "off" }, { onProgress });`;
    const parent = spawn(process.execPath, ["--input-type=module", "--eval", source], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [printed] = await once(parent.stdout, "data");
    const child = Number.parseInt(printed, 10);
    const [worker = 0] = childrenOf(child);
    expect(isRunning(worker)).toBe(true);
    parent.kill("SIGKILL");
    await ended(child);
    await ended(worker);
  });
});
