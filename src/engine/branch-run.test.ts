/** Modules with one output for each of two streams, on a backend that only counts handles. */

import { describe, expect, it } from "vitest";
import { toyManifest } from "../../test/support/toy-bundle.ts";
import { BranchRun } from "./branch-run.ts";
import type { DenoiserManifest, ModuleManifest } from "./bundle/manifest.ts";
import type { ModulesPart } from "./cache/contract.ts";
import type { SegmentBackend, State, TensorHandle, Work } from "./segments/contract.ts";
import { graphsOfWork } from "./segments/work.ts";

const ATTENTION: ModulesPart = { kind: "modules", modules: ["attn"], from: 0, to: 2 };

/** The toy with a joint attention in each of its two blocks. */
function jointManifest() {
  const manifest = toyManifest();
  const [denoiser] = manifest.denoisers;
  if (!denoiser) throw new Error("no denoiser");
  const same = (...names: string[]) => Object.fromEntries(names.map((name) => [name, name]));
  denoiser.modules = [0, 1].map(
    (block): ModuleManifest => ({
      block,
      module: "attn",
      compute: {
        graph: "block.onnx",
        inputs: same("hidden"),
        outputs: same("image_part", "text_part"),
        flops: flops(7),
      },
      apply: {
        graph: "block.onnx",
        inputs: same("hidden", "image_part", "text_part"),
        outputs: same("hidden"),
        flops: flops(0),
      },
    }),
  );
  return { manifest, denoiser };
}

const flops = (constant: number) => ({
  constant,
  tokens: 0,
  tokens_squared: 0,
  text: 0,
  tokens_text: 0,
  text_squared: 0,
});

/** Every run gives new handles; `held` says how many have not been released. */
function countingBackend(manifest: ReturnType<typeof toyManifest>) {
  const holds = new Map<TensorHandle, number>();
  const ran: string[] = [];
  const hold = (state: State, by: number) => {
    for (const handle of Object.values(state)) {
      const left = (holds.get(handle) ?? 0) + by;
      if (left < 0) throw new Error("released too often");
      holds.set(handle, left);
    }
  };
  const made = (name: string): TensorHandle => ({ dtype: "float32", dims: [name.length] });
  const backend = {
    run: async (work: Work, inputs: State, options?: { onGraph?: (id: string, ms: number) => void }) => {
      const outputs: Record<string, TensorHandle> = {};
      for (const graph of graphsOfWork(manifest, work)) {
        for (const name of Object.values(graph.inputs)) {
          const handle = outputs[name] ?? inputs[name];
          if (handle && (holds.get(handle) ?? 1) <= 0) throw new Error(`${name} was freed`);
        }
        ran.push(work.kind === "module" ? `${work.part} ${graph.id}` : graph.id);
        options?.onGraph?.(graph.id, 0);
        for (const name of Object.values(graph.outputs)) outputs[name] = made(name);
      }
      hold(outputs, 1);
      return outputs;
    },
    read: async () => ({ dtype: "float32", dims: [1], data: new Float32Array(1) }),
    retain: (state: State) => hold(state, 1),
    release: (state: State) => hold(state, -1),
  } as unknown as SegmentBackend;
  return { backend, ran, held: () => [...holds.values()].reduce((sum, n) => sum + n, 0) };
}

function branchRun(backend: SegmentBackend, denoiser: DenoiserManifest): BranchRun {
  return new BranchRun({
    backend,
    denoiser,
    values: {},
    sizes: { tokens: 1, text: 1, texts: {} },
    wanted: [ATTENTION],
    signal: undefined,
    onGraph: () => {},
  });
}

describe("a module with two outputs", () => {
  it("is kept and reused with both of them, and everything is freed", async () => {
    const { manifest, denoiser } = jointManifest();
    const { backend, ran, held } = countingBackend(manifest);
    const first = branchRun(backend, denoiser);
    await first.finish();
    const kept = await first.resultOf(ATTENTION);
    if (!kept) throw new Error("nothing was kept");
    expect(Object.keys(kept)).toEqual([
      "attn_0/image_part",
      "attn_0/text_part",
      "attn_1/image_part",
      "attn_1/text_part",
    ]);
    first.release();
    expect(held()).toBe(4);
    ran.length = 0;
    const second = branchRun(backend, denoiser);
    await second.replaceModules(0, [kept]);
    await second.finish();
    expect(ran.filter((id) => id.includes("attn"))).toEqual(["apply attn_0", "apply attn_1"]);
    // Nothing of it was computed, so nothing can be kept.
    expect(await second.resultOf(ATTENTION)).toBeUndefined();
    second.release();
    backend.release(kept);
    expect(held()).toBe(0);
  });

  it("that a probe ran and the plan took back is held once", async () => {
    const { manifest, denoiser } = jointManifest();
    const { backend, held } = countingBackend(manifest);
    const run = branchRun(backend, denoiser);
    await run.advanceTo(2);
    await run.replaceModules(0, []);
    await run.finish();
    run.release();
    expect(held()).toBe(0);
  });
});
