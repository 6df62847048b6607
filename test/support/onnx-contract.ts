/**
 * The ONNX backend's side of the SegmentBackend contract: ownership, reductions, refusals. The same wherever its
 * tensors are.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBundle } from "../../src/engine/bundle/read.ts";
import type { State } from "../../src/engine/segments/contract.ts";
import { OnnxBackend, type OnnxRuntime } from "../../src/engine/segments/onnx.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/embedded.ts";

const tensor = (...values: number[]) =>
  ({ dtype: "float32", dims: [1, values.length], data: Float32Array.from(values) }) as const;

/** Describes the contract on the embedded bundle. */
export function describeOnnxContract(open: (files: FolderFiles) => Promise<OnnxRuntime>): void {
  const openBackend = async () => {
    const files = new FolderFiles(EMBEDDED_BUNDLE);
    const { manifest } = await readBundle(files);
    return new OnnxBackend(manifest, await open(files));
  };
  let backend: OnnxBackend;
  let other: OnnxBackend;

  beforeAll(async () => {
    backend = await openBackend();
    other = await openBackend();
  });

  afterAll(async () => {
    await backend.dispose();
    await other.dispose();
  });

  describe("ownership", () => {
    it("counts bytes until the last release, and refuses a handle after it", async () => {
      const before = backend.bytesHeld();
      const state = { x: await backend.upload(tensor(1, 2)) };
      expect(backend.bytesHeld() - before).toBe(8);
      backend.retain(state);
      backend.release(state);
      expect([...(await backend.read(state.x)).data]).toEqual([1, 2]);
      backend.release(state);
      expect(backend.bytesHeld()).toBe(before);
      await expect(backend.read(state.x)).rejects.toThrow(/after its release/);
      expect(() => backend.release(state)).toThrow(/after its release/);
    });

    it("refuses another backend's tensor, which would be garbage", async () => {
      const foreign = await other.upload(tensor(1));
      await expect(backend.read(foreign)).rejects.toThrow(/not of this backend/);
    });

    it("an aborted run leaves nothing behind", async () => {
      const before = backend.bytesHeld();
      const run = backend.run(
        { kind: "segments", denoiser: "main", from: 0, to: 1 },
        {},
        { signal: AbortSignal.abort() },
      );
      await expect(run).rejects.toMatchObject({ code: "aborted" });
      expect(backend.bytesHeld()).toBe(before);
    });
  });

  describe("arithmetic", () => {
    it("combines states name by name", async () => {
      const a: State = { x: await backend.upload(tensor(1, 2)), y: await backend.upload(tensor(5)) };
      const b: State = { x: await backend.upload(tensor(10, 20)), y: await backend.upload(tensor(50)) };
      const { x, y } = await backend.combine([2, -1], [a, b]);
      if (!x || !y) throw new Error("a name is missing");
      expect([...(await backend.read(x)).data, ...(await backend.read(y)).data]).toEqual([-8, -16, -40]);
      await expect(backend.combine([1, 1], [a, { x: b.x as NonNullable<typeof b.x> }])).rejects.toThrow(
        /do not all have y/,
      );
      for (const state of [a, b, { x, y }]) backend.release(state);
    });

    it("a combination that fails leaves nothing behind", async () => {
      const a: State = { x: await backend.upload(tensor(1, 2)), y: await backend.upload(tensor(5)) };
      const before = backend.bytesHeld();
      await expect(backend.combine([1, 1], [a, { x: a.x as NonNullable<typeof a.x> }])).rejects.toThrow(
        /do not all have y/,
      );
      expect(backend.bytesHeld()).toBe(before);
      backend.release(a);
    });

    it("reduces two tensors to one number", async () => {
      const a = await backend.upload(tensor(3, 4));
      const b = await backend.upload(tensor(0, 5));
      expect(await backend.reduce("l2", a, b)).toBeCloseTo(Math.sqrt(10), 12);
      expect(await backend.reduce("token_norm_ratio", a, b)).toBeCloseTo(1, 12);
      backend.release({ a, b });
    });
  });

  describe("refusals", () => {
    it("names a missing input", async () => {
      await expect(backend.run({ kind: "segments", denoiser: "main", from: 0, to: 1 }, {})).rejects.toThrow(
        /front.onnx needs latents/,
      );
    });

    it("names a graph that can't be loaded, and can be used afterwards", async () => {
      const work = { kind: "graph", graph: "tokenizer.json", inputs: {}, outputs: {} } as const;
      await expect(backend.run(work, {})).rejects.toMatchObject({
        code: "engine_failed",
        message: expect.stringContaining("tokenizer.json"),
      });
      await expect(
        backend.load([{ kind: "segments", denoiser: "main", from: 0, to: 1 }]),
      ).resolves.toBeUndefined();
    });

    it("a denoiser can be unloaded and comes back by itself", async () => {
      await backend.unload([{ kind: "segments", denoiser: "main", from: 0, to: 10 }]);
      await expect(
        backend.load([{ kind: "segments", denoiser: "main", from: 0, to: 10 }]),
      ).resolves.toBeUndefined();
    });
  });
}
