/** Which weights are in memory when: with embeddings on disk, and one part of the model at a time. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, readBundle } from "../../src/engine/bundle/read.ts";
import { Pipeline, type PipelineOptions } from "../../src/engine/pipeline.ts";
import type { Progress } from "../../src/engine/progress.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import type { GenerateRequest } from "../../src/engine/settings.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/embedded.ts";
import { EmbeddingFolder } from "../../src/node/embedding-cache.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";

const REQUEST: GenerateRequest = {
  prompt: "a red circle moves left on a blue background",
  num_inference_steps: 2,
  cache: "off",
};

const files = new FolderFiles(EMBEDDED_BUNDLE);
let bundle: Bundle;
let folder: string;

beforeAll(async () => {
  bundle = await readBundle(files);
  folder = await mkdtemp(path.join(tmpdir(), "mixcache-memory-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A pipeline whose open sessions are known by the names of their graphs. */
async function open(options: PipelineOptions, changes: Partial<Bundle["manifest"]> = {}) {
  const sessions = new Set<string>();
  const everOpened: string[] = [];
  const runtime = await openOnnxNode(files, { threads: 1 });
  const createSession = async (graph: string) => {
    const session = await runtime.createSession(graph);
    sessions.add(graph);
    everOpened.push(graph);
    return {
      ...session,
      run: session.run.bind(session),
      release: async () => {
        sessions.delete(graph);
        await session.release();
      },
    } as typeof session;
  };
  const changed = { ...bundle, manifest: { ...bundle.manifest, ...changes } };
  const backend = new OnnxBackend(changed.manifest, { ...runtime, createSession });
  const pipeline = await Pipeline.load(changed, backend, options);
  return { pipeline, backend, sessions, everOpened };
}

function embeddings(): EmbeddingFolder {
  return new EmbeddingFolder({ folder, maxBytes: 1e6, engine: "test" });
}

describe("embeddings on disk", () => {
  it("the same frames without them, when they are made and when they are there; then no text encoder is loaded", async () => {
    const without = await open({});
    const plain = await without.pipeline.generate(REQUEST);
    await without.backend.dispose();
    expect(without.everOpened).toContain("text.onnx");

    const first = await open({ embeddings: embeddings() });
    const made = await first.pipeline.generate(REQUEST);
    await first.backend.dispose();
    expect(made.trace).toMatchObject({ textCached: 0, text: [{ id: "text.onnx" }, { id: "text.onnx" }] });

    const second = await open({ embeddings: embeddings() });
    const progress: Progress[] = [];
    const known = await second.pipeline.generate(REQUEST, { onProgress: (p) => progress.push(p) });
    await second.backend.dispose();
    expect(second.everOpened).not.toContain("text.onnx");
    expect(known.trace).toMatchObject({ textCached: 2, text: [] });
    expect(progress.filter(({ phase }) => phase === "text")).toEqual([
      { phase: "text" },
      { phase: "text", cached: true },
    ]);
    expect(made.frames.data).toEqual(plain.frames.data);
    expect(known.frames.data).toEqual(plain.frames.data);
    expect(second.backend.bytesHeld()).toBe(0);
  });
});

describe("low memory", () => {
  it("one part of the model at a time, and the same frames", async () => {
    const plain = await open({});
    const wanted = await plain.pipeline.generate(REQUEST);
    await plain.backend.dispose();

    const low = await open({ lowMemory: true });
    expect(low.everOpened).toEqual([]);
    const during: Record<string, string[]> = {};
    const got = await low.pipeline.generate(REQUEST, {
      onProgress: ({ phase }) => {
        during[phase] = [...low.sessions];
      },
    });
    expect(during.denoise?.some((graph) => /text|decoder/.test(graph))).toBe(false);
    expect(during.decode).toEqual(["decoder_first.onnx", "decoder_next.onnx"]);
    expect([...low.sessions]).toEqual([]);
    expect(got.frames.data).toEqual(wanted.frames.data);
    await low.backend.dispose();
  });

  it("an expert leaves before the next one comes", async () => {
    const [denoiser] = bundle.manifest.denoisers;
    if (!denoiser) throw new Error("no denoiser");
    // The same DiT as two experts whose graphs have names of their own only in part.
    const denoisers = [
      { ...denoiser, id: "low", noise_levels: [0, 0.6] as [number, number] },
      { ...denoiser, id: "high", noise_levels: [0.6, 1] as [number, number] },
    ];
    const low = await open({ lowMemory: true }, { denoisers });
    const plain = await open({}, { denoisers });
    const request = { ...REQUEST, num_inference_steps: 4 };
    const got = await low.pipeline.generate(request);
    const wanted = await plain.pipeline.generate(request);
    expect(new Set(got.trace.steps.map((step) => step.denoiser))).toEqual(new Set(["high", "low"]));
    // Loaded once for each expert, where all stay it is once for both.
    expect(low.everOpened.filter((graph) => graph === "front.onnx").length).toBe(2);
    expect(plain.everOpened.filter((graph) => graph === "front.onnx").length).toBe(1);
    expect(got.frames.data).toEqual(wanted.frames.data);
    await low.backend.dispose();
    await plain.backend.dispose();
  });

  it("a video that was stopped leaves nothing loaded", async () => {
    const low = await open({ lowMemory: true });
    const controller = new AbortController();
    const onProgress = ({ phase }: Progress) => {
      if (phase === "denoise") controller.abort();
    };
    await expect(
      low.pipeline.generate(REQUEST, { signal: controller.signal, onProgress }),
    ).rejects.toMatchObject({
      code: "aborted",
    });
    expect([...low.sessions]).toEqual([]);
    expect(low.backend.bytesHeld()).toBe(0);
  });
});
