/**
 * The real torch worker through the torch backend: what Python and TypeScript must agree on. Needs a Python with the
 * packages of python/requirements.txt, whose path is MIXCACHE_TEST_PYTHON.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, readBundle } from "../../src/engine/bundle/read.ts";
import { reduceHost } from "../../src/engine/host-math.ts";
import type { HostTensor, Reduction, State } from "../../src/engine/segments/contract.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { TorchBackend } from "../../src/engine/segments/torch.ts";
import { FolderFiles, openOnnxNode, torchWorker } from "../../src/node/index.ts";
import { relativeDifference } from "../support/golden.ts";
import { type TinyWeights, tinyWeights } from "../support/tiny-weights.ts";

const python = process.env.MIXCACHE_TEST_PYTHON;
const REDUCTIONS: readonly Reduction[] = ["l1", "relative_l1", "l2", "dot", "token_norm_ratio"];

describe.skipIf(!python)("the worker in Python (MIXCACHE_TEST_PYTHON)", () => {
  let tiny: TinyWeights;
  let bundle: Bundle;
  let backend: TorchBackend;
  let onnx: OnnxBackend;

  beforeAll(async () => {
    tiny = await tinyWeights(python ?? "");
    const files = new FolderFiles(tiny.bundle);
    bundle = await readBundle(files);
    const options = { python: python ?? "", weights: tiny.weights, device: "cpu" };
    backend = new TorchBackend(bundle.manifest, torchWorker(options, 1));
    onnx = new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }));
    await backend.about();
  }, 600_000);

  afterAll(async () => {
    await backend?.dispose();
    await onnx?.dispose();
    tiny?.remove();
  });

  const wave = (dims: readonly number[], phase: number): HostTensor & { data: Float32Array } => {
    const length = dims.reduce((product, dim) => product * dim, 1);
    return { dtype: "float32", dims, data: Float32Array.from({ length }, (_, i) => Math.sin(i + phase)) };
  };

  it("says what it runs on", async () => {
    expect(await backend.about()).toMatchObject({ device: "cpu", dtype: "float32" });
  });

  it.each([
    { dtype: "float32", dims: [1, 2], data: Float32Array.of(1.5, -0) },
    { dtype: "float16", dims: [3], data: Uint16Array.of(0x3c00, 0x7bff, 0x8001) },
    { dtype: "int64", dims: [1, 2], data: BigInt64Array.of(-1n, 2n ** 62n) },
    { dtype: "float32", dims: [0, 4], data: new Float32Array() },
  ] as const)("carries $dtype bit for bit", async (tensor) => {
    const handle = await backend.upload(tensor);
    expect(await backend.read(handle)).toEqual(tensor);
    backend.release({ handle });
  });

  it.each(REDUCTIONS)("computes %s as TypeScript does", async (kind) => {
    const [a, b] = [wave([1, 60, 8], 0), wave([1, 60, 8], 1)];
    const state = { a: await backend.upload(a), b: await backend.upload(b) };
    const wanted = reduceHost(kind, a.data, b.data, 8);
    expect(Math.abs((await backend.reduce(kind, state.a, state.b)) / wanted - 1)).toBeLessThan(1e-5);
    backend.release(state);
  });

  it("runs every segment as the ONNX backend does, and tells each by its id", async () => {
    const [denoiser] = bundle.manifest.denoisers;
    if (!denoiser) throw new Error("the bundle has no denoiser");
    const sizes = { frames: 3, rows: 4, columns: 6, tokens: 18 } as const;
    const dims = (of: readonly (number | string)[]) =>
      of.map((dim) => (typeof dim === "number" ? dim : (sizes[dim as keyof typeof sizes] ?? 1)));
    const needed = Object.entries(denoiser.values).filter(
      ([name, value]) => value.kind === "latents" || value.provided || name === "context",
    );
    const uploadTo = async (to: OnnxBackend | TorchBackend): Promise<State> =>
      Object.fromEntries(
        await Promise.all(
          needed.map(async ([name, value], i) => [name, await to.upload(wave(dims(value.dims), i))] as const),
        ),
      );
    const work = { kind: "segments", denoiser: denoiser.id, from: 0, to: denoiser.segments.length } as const;
    const [mine, theirs] = [await uploadTo(backend), await uploadTo(onnx)];
    const seen: string[] = [];
    const [made, wanted] = [
      await backend.run(work, mine, { onGraph: (id) => seen.push(id) }),
      await onnx.run(work, theirs),
    ];
    expect(seen).toEqual(denoiser.segments.map(({ id }) => id));
    expect(Object.keys(made).sort()).toEqual(Object.keys(wanted).sort());
    for (const [name, handle] of Object.entries(wanted)) {
      const reference = (await onnx.read(handle)).data as Float32Array;
      const tensor = made[name];
      if (!tensor) throw new Error(`no ${name}`);
      expect(
        relativeDifference((await backend.read(tensor)).data as Float32Array, reference),
        name,
      ).toBeLessThan(1e-5);
    }
    const stop = new AbortController();
    const run = backend.run(work, mine, { signal: stop.signal, onGraph: () => stop.abort() });
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    backend.release({ ...mine, ...made });
    expect(await backend.stats()).toMatchObject({ tensors: 0, tensor_bytes: 0 });
  });

  it("a program's failure is told in the worker's words, and the worker goes on", async () => {
    const x = await backend.upload(wave([1, 3], 0));
    const work = { kind: "graph", graph: "head.onnx", inputs: {}, outputs: {} } as const;
    await expect(backend.run(work, { x })).rejects.toMatchObject({
      code: "engine_failed",
      message: expect.stringMatching(/^The torch worker failed: .*hidden/),
    });
    const front = [{ kind: "segments", denoiser: "main", from: 0, to: 1 }] as const;
    await backend.unload(front);
    await backend.load(front);
    backend.release({ x });
  });
});
