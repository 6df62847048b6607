/**
 * The torch backend's side of the SegmentBackend contract, against a worker in TypeScript: what crosses, who owns what,
 * and what happens when the worker goes.
 */

import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Bundle, readBundle } from "../../src/engine/bundle/read.ts";
import { Pipeline } from "../../src/engine/pipeline.ts";
import type { State } from "../../src/engine/segments/contract.ts";
import { OnnxBackend, type OnnxRuntime } from "../../src/engine/segments/onnx.ts";
import { TorchBackend } from "../../src/engine/segments/torch.ts";
import { MixcacheError } from "../../src/errors.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { type DoubleControl, forTorch, inMemory } from "../support/torch-double.ts";

const FIXTURE = path.join(import.meta.dirname, "../fixtures/models/wan/bundle");
const REQUEST = { prompt: "a cat", num_inference_steps: 2, seed: 3, cache: "off" };
const tensor = (...values: number[]) =>
  ({ dtype: "float32", dims: [1, values.length], data: Float32Array.from(values) }) as const;

let runtime: OnnxRuntime;
let bundle: Bundle;
let backend: TorchBackend;
let control: DoubleControl;
let connect: ReturnType<typeof inMemory>["connect"];

beforeAll(async () => {
  const files = new FolderFiles(FIXTURE);
  const read = await readBundle(files);
  bundle = { ...read, manifest: forTorch(read.manifest) };
  const opened = await openOnnxNode(files, { threads: 1 });
  // Sessions are shared, so that a new worker costs nothing.
  const sessions = new Map<string, ReturnType<OnnxRuntime["createSession"]>>();
  const createSession = (graph: string) => {
    const session = sessions.get(graph) ?? opened.createSession(graph);
    sessions.set(graph, session);
    return session;
  };
  runtime = { ...opened, createSession };
});

beforeEach(() => {
  ({ connect, control } = inMemory(runtime));
  backend = new TorchBackend(bundle.manifest, connect);
});

afterAll(() => backend.dispose());

const FRONT = { kind: "segments", denoiser: "main", from: 0, to: 1 } as const;

/** What the front of the model needs, and the values it gives. */
async function frontInputs(): Promise<State> {
  const values = bundle.manifest.denoisers[0]?.values;
  const channels = Number(values?.latents?.dims[1]);
  const features = Number(values?.time_features?.dims[1]);
  const fill = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i));
  return {
    latents: await backend.upload({
      dtype: "float32",
      dims: [1, channels, 1, 4, 6],
      data: fill(channels * 24),
    }),
    time_features: await backend.upload({ dtype: "float32", dims: [1, features], data: fill(features) }),
  };
}

function crash() {
  control.end(new MixcacheError("engine_crashed", "The torch worker was killed."));
}

describe("a whole video", () => {
  it("is what the ONNX backend makes of the same graphs, to the bit, and leaves no tensor behind", async () => {
    const onnx = new OnnxBackend(bundle.manifest, runtime);
    const plain = await (await Pipeline.load(bundle, onnx)).generate(REQUEST);
    const pipeline = await Pipeline.load(bundle, backend);
    const made = await pipeline.generate(REQUEST);
    expect(made.frames).toEqual(plain.frames);
    const ids = (result: typeof made) => result.trace.steps[0]?.branches;
    expect(JSON.stringify(ids(made))).toContain("front");
    expect(backend.bytesHeld()).toBe(0);
    expect(await backend.stats()).toMatchObject({ tensors: 0, tensor_bytes: 0 });
    expect(control.starts).toBe(1);
  });
});

describe("ownership", () => {
  it("counts bytes until the last release, and refuses a handle after it", async () => {
    const state = { x: await backend.upload(tensor(1, 2)) };
    expect(backend.bytesHeld()).toBe(8);
    backend.retain(state);
    backend.release(state);
    expect([...(await backend.read(state.x)).data]).toEqual([1, 2]);
    backend.release(state);
    expect(backend.bytesHeld()).toBe(0);
    await expect(backend.read(state.x)).rejects.toThrow(/after its release/);
    expect(() => backend.release(state)).toThrow(/after its release/);
  });

  it("the worker forgets a tensor with the next message, or soon where there is none", async () => {
    const [a, b] = [await backend.upload(tensor(1)), await backend.upload(tensor(2))];
    expect(await backend.stats()).toMatchObject({ tensors: 2 });
    backend.release({ a });
    const notes = () => control.heard.filter((type) => type === "free").length;
    expect(await backend.stats()).toMatchObject({ tensors: 1 });
    expect(notes()).toBe(0);
    backend.release({ b });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(notes()).toBe(1);
  });

  it("refuses another backend's tensor, which would be garbage", async () => {
    const other = new TorchBackend(bundle.manifest, inMemory(runtime).connect);
    const foreign = await other.upload(tensor(1));
    await expect(backend.read(foreign)).rejects.toThrow(/not of this backend/);
    await other.dispose();
  });
});

describe("a run", () => {
  it("tells every graph with the manifest's id, and names a missing input before anything is sent", async () => {
    const seen: string[] = [];
    const inputs = await frontInputs();
    const made = await backend.run(FRONT, inputs, { onGraph: (id) => seen.push(id) });
    expect(seen).toEqual(["front"]);
    expect(Object.keys(made).sort()).toEqual(["conditioning", "hidden", "modulated_input", "temb"]);
    const sent = control.heard.length;
    await expect(backend.run(FRONT, {})).rejects.toThrow(/front.onnx needs latents/);
    expect(control.heard.length).toBe(sent);
    backend.release({ ...made, ...inputs });
  });

  it("that was aborted before, or is aborted in the middle, leaves nothing behind", async () => {
    const inputs = await frontInputs();
    const options = { signal: AbortSignal.abort() };
    await expect(backend.run(FRONT, inputs, options)).rejects.toMatchObject({ code: "aborted" });
    const controller = new AbortController();
    const context = await backend.upload({ dtype: "float32", dims: [1, 1], data: Float32Array.of(0) });
    const all = { kind: "segments", denoiser: "main", from: 0, to: 3 } as const;
    const more = { ...inputs, context, rope_cos: context, rope_sin: context };
    const run = backend.run(all, more, { signal: controller.signal, onGraph: () => controller.abort() });
    // The second graph would fail on these inputs: the stop comes before it.
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    backend.release({ ...inputs, context });
    expect(await backend.stats()).toMatchObject({ tensors: 0 });
    expect(control.heard).toContain("stop");
  });

  it("that fails in the worker says why, and the worker goes on", async () => {
    const latents = await backend.upload(tensor(1));
    await expect(backend.run(FRONT, { latents, time_features: latents })).rejects.toMatchObject({
      code: "engine_failed",
    });
    backend.release({ latents });
    expect(await backend.stats()).toMatchObject({ tensors: 0 });
    expect(control.starts).toBe(1);
  });
});

describe("arithmetic", () => {
  it("combines states name by name, and refuses states that do not fit", async () => {
    const a: State = { x: await backend.upload(tensor(1, 2)), y: await backend.upload(tensor(5)) };
    const b = { x: await backend.upload(tensor(10, 20)), y: await backend.upload(tensor(50)) };
    const { x, y } = await backend.combine([2, -1], [a, b]);
    if (!x || !y) throw new Error("a name is missing");
    expect([...(await backend.read(x)).data, ...(await backend.read(y)).data]).toEqual([-8, -16, -40]);
    await expect(backend.combine([1, 1], [a, { x: b.x }])).rejects.toThrow(/do not all have y/);
    await expect(backend.combine([1], [a, b])).rejects.toThrow(/1 coefficients are given for 2 states/);
    expect(await backend.combine([], [])).toEqual({});
  });

  it("reduces two tensors to one number, even where JSON has no word for it", async () => {
    const [a, zero] = [await backend.upload(tensor(3, 4)), await backend.upload(tensor(0, 0))];
    expect(await backend.reduce("l2", a, zero)).toBe(5);
    expect(await backend.reduce("relative_l1", a, zero)).toBe(Number.POSITIVE_INFINITY);
    expect(await backend.reduce("relative_l1", zero, zero)).toBeNaN();
  });

  it("carries every type that crosses, bit for bit", async () => {
    const tensors = [
      { dtype: "float16", dims: [3], data: Uint16Array.of(0x3c00, 0x7bff, 0x8001) },
      { dtype: "int64", dims: [1, 2], data: BigInt64Array.of(-1n, 2n ** 62n) },
      { dtype: "float32", dims: [0], data: new Float32Array() },
    ] as const;
    for (const one of tensors) expect(await backend.read(await backend.upload(one))).toEqual(one);
    // A view into a larger buffer, as a chunk of latents may be.
    const view = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    const handle = await backend.upload({ dtype: "float32", dims: [2], data: view });
    expect([...(await backend.read(handle)).data]).toEqual([1, 2]);
  });
});

describe("when the worker ends", () => {
  it("what is pending rejects, its tensors are gone, and the next call starts a new worker", async () => {
    const x = await backend.upload(tensor(1));
    const pending = backend.read(x);
    crash();
    await expect(pending).rejects.toMatchObject({ code: "engine_crashed" });
    expect(backend.bytesHeld()).toBe(0);
    await expect(backend.read(x)).rejects.toMatchObject({ code: "engine_crashed" });
    expect(() => backend.release({ x })).not.toThrow();
    const y = await backend.upload(tensor(7));
    expect([...(await backend.read(y)).data]).toEqual([7]);
    expect(control.starts).toBe(2);
    expect(backend.bytesHeld()).toBe(4);
  });

  it("in the middle of a video, that video fails with its reason and the next one is the undisturbed one", async () => {
    const pipeline = await Pipeline.load(bundle, backend);
    const undisturbed = await pipeline.generate(REQUEST);
    let graphs = 0;
    const run = pipeline.generate(REQUEST, {
      onProgress: ({ phase }) => {
        if (phase === "denoise" && ++graphs === 4) crash();
      },
    });
    await expect(run).rejects.toMatchObject({ code: "engine_crashed" });
    expect(backend.bytesHeld()).toBe(0);
    expect((await pipeline.generate(REQUEST)).frames).toEqual(undisturbed.frames);
    expect(backend.bytesHeld()).toBe(0);
  });

  it("unnoticed, while nobody used it, costs nobody a video", async () => {
    await backend.load([FRONT]);
    const pending = backend.upload(tensor(5));
    crash();
    expect([...(await backend.read(await pending)).data]).toEqual([5]);
    expect(control.starts).toBe(2);
  });

  it("whoever uses its tensors is told how it ended", async () => {
    const x = await backend.upload(tensor(1));
    control.end(new MixcacheError("engine_out_of_memory", "The torch worker ran out of memory."));
    await expect(backend.combine([1], [{ x }])).rejects.toMatchObject({ code: "engine_out_of_memory" });
    await expect(backend.reduce("l1", x, x)).rejects.toMatchObject({ code: "engine_out_of_memory" });
  });

  it("a worker of another version is refused, by both versions", async () => {
    const old = new TorchBackend(bundle.manifest, inMemory(runtime, 99).connect);
    await expect(old.load([FRONT])).rejects.toMatchObject({
      code: "engine_unavailable",
      message: expect.stringMatching(/version 99 .* version 1/),
    });
  });

  it("a backend that was closed says so", async () => {
    await backend.upload(tensor(1));
    await backend.dispose();
    await expect(backend.upload(tensor(1))).rejects.toMatchObject({ code: "engine_unavailable" });
    expect(backend.bytesHeld()).toBe(0);
  });
});

describe("bundles", () => {
  it("that were not exported for torch are refused with what to do", () => {
    const { torch: _, ...plain } = bundle.manifest;
    const open = () => new TorchBackend({ ...plain, engines: ["onnx"] }, connect);
    expect(open).toThrow(expect.objectContaining({ code: "bundle_unsupported" }));
    expect(open).toThrow(/--engine torch/);
  });

  it("for torch alone are refused by the ONNX backend with what to do", () => {
    const open = () => new OnnxBackend({ ...bundle.manifest, engines: ["torch"] }, runtime);
    expect(open).toThrow(expect.objectContaining({ code: "bundle_unsupported" }));
    expect(open).toThrow(/ENGINE=torch/);
  });
});
