/** Previews on the embedded model and on tiny real architectures: pictures in between, and the same video. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Pipeline } from "../../src/engine/pipeline.ts";
import type { Progress } from "../../src/engine/progress.ts";
import type { SegmentBackend, Work } from "../../src/engine/segments/contract.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { MixcacheError } from "../../src/errors.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/embedded.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { openParity } from "../support/parity.ts";
import { openShapes } from "../support/shapes.ts";

type Preview = Extract<Progress, { phase: "preview" }>;

/** A backend that counts what it is asked to run, by graph, and fails at the decoder when it is told to. */
function counting(backend: SegmentBackend, isBroken: () => boolean = () => false) {
  const runs: string[] = [];
  const counted = new Proxy(backend, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "run") return value.bind(target);
      return (work: Work, ...rest: unknown[]) => {
        runs.push(work.kind === "graph" ? work.graph : work.kind);
        if (isBroken() && work.kind === "graph" && work.graph.startsWith("decoder"))
          throw new MixcacheError("engine_failed", "The decoder is out of order.");
        return value.call(target, work, ...rest);
      };
    },
  });
  return { backend: counted, runs };
}

const request = { prompt: "a red circle moves left", num_inference_steps: 6, cache: "off" };
const decoding = (runs: readonly string[]) => runs.filter((name) => name.startsWith("decoder")).length;

describe("previews of the embedded model", () => {
  let opened: Awaited<ReturnType<typeof openShapes>>;
  let broken = false;
  let counted: ReturnType<typeof counting>;
  let pipeline: Pipeline;
  beforeAll(async () => {
    opened = await openShapes();
    counted = counting(opened.backend, () => broken);
    pipeline = await Pipeline.load(opened.bundle, counted.backend);
  });
  afterAll(() => opened.backend.dispose());

  async function generate(previewEvery?: number, wish: object = {}) {
    counted.runs.length = 0;
    const previews: Preview[] = [];
    const onProgress = (progress: Progress) => {
      if (progress.phase === "preview") previews.push(progress);
      // By the last step the decoder works again.
      if (progress.phase === "denoise" && progress.step === progress.steps - 1) broken = false;
    };
    const hooks = { onProgress, ...(previewEvery !== undefined && { previewEvery }) };
    const result = await pipeline.generate({ ...request, ...wish }, hooks);
    return { ...result, previews, runs: [...counted.runs] };
  }

  it("come every so many steps, and leave video, FLOPs and decisions as they are", async () => {
    const cache = { policy: "mixcache", preset: "high" };
    const plain = await generate(undefined, { cache });
    const shown = await generate(2, { cache });
    expect(plain.previews).toEqual([]);
    expect(shown.previews.map(({ step }) => step)).toEqual([1, 3]);
    for (const { frame } of shown.previews) {
      expect([frame.width, frame.height, frame.count, frame.data.length]).toEqual([64, 64, 1, 64 * 64 * 3]);
      expect(new Set(frame.data).size).toBeGreaterThan(8);
    }
    expect(Buffer.compare(shown.frames.data, plain.frames.data)).toBe(0);
    expect(shown.trace.denoiseFlops).toBe(plain.trace.denoiseFlops);
    expect(shown.trace.decode.map(({ flops }) => flops)).toEqual(
      plain.trace.decode.map(({ flops }) => flops),
    );
    expect(shown.trace.steps.map(({ decision }) => decision)).toEqual(
      plain.trace.steps.map(({ decision }) => decision),
    );
  });

  it("cost nothing where there are none, and one call of the decoder each where there are", async () => {
    const plain = await generate();
    const off = await generate(0);
    expect(off.runs).toEqual(plain.runs);
    const shown = await generate(3);
    expect(decoding(shown.runs) - decoding(plain.runs)).toBe(1);
    expect(decoding(shown.runs.slice(0, shown.runs.lastIndexOf("segments")))).toBe(1);
  });

  it("come nearer to the video from step to step", async () => {
    const { previews, frames } = await generate(1, { num_inference_steps: 12 });
    const first = frames.data.subarray(0, 64 * 64 * 3);
    const distance = ({ frame }: Preview) =>
      frame.data.reduce((sum, value, at) => sum + Math.abs(value - (first[at] ?? 0)), 0) / first.length;
    expect(previews).toHaveLength(11);
    const [begin, end] = [previews[0], previews.at(-1)] as [Preview, Preview];
    expect(distance(end)).toBeLessThan(distance(begin) / 2);
  });

  it("are at most 20", async () => {
    const { previews } = await generate(1, { num_inference_steps: 45 });
    expect(previews.map(({ step }) => step)).toEqual(Array.from({ length: 14 }, (_, at) => 3 * at + 2));
  });

  it("are in no time that is billed", async () => {
    const started = performance.now();
    const { trace, previews } = await generate(1);
    const wallMs = performance.now() - started;
    expect(previews).toHaveLength(5);
    const spentMs = previews.reduce((sum, { durationMs }) => sum + durationMs, 0);
    expect(wallMs - trace.totalMs).toBeGreaterThanOrEqual(spentMs);
    expect(trace.textMs + trace.denoiseMs + trace.decodeMs).toBeCloseTo(trace.totalMs, 3);
  });

  it("end where one fails; the video is made, and says so", async () => {
    const plain = await generate();
    broken = true;
    const failed = await generate(2);
    expect(failed.previews).toEqual([]);
    expect(failed.notices.join()).toContain("no previews after step 2: The decoder is out of order.");
    expect(Buffer.compare(failed.frames.data, plain.frames.data)).toBe(0);
  });
});

/** Decoders call by call, of three latent frames first, whole, in clips and tiles; latents frames first and channels first. */
describe.each(["wan", "wan-2.2-a14b", "hunyuan-video", "cogvideox-rotary", "cogvideox-sincos"])(
  "previews of %s",
  (fixture) => {
    it("are one frame of its size, and leave the video as it is", async () => {
      const { about, files, open } = openParity(fixture);
      const bundle = await open();
      const backend = new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }));
      const pipeline = await Pipeline.load(bundle, backend);
      const previews: Preview[] = [];
      const wish = { prompt: about.prompt, num_inference_steps: 5, cache: "off" };
      const shown = await pipeline.generate(wish, {
        previewEvery: 2,
        onProgress: (progress) => progress.phase === "preview" && previews.push(progress),
      });
      const held = backend.bytesHeld;
      const plain = await pipeline.generate(wish);
      expect(backend.bytesHeld).toBe(held);
      const { width, height } = plain.settings.shape;
      expect(previews.map(({ step, frame }) => [step, frame.width, frame.height, frame.count])).toEqual([
        [1, width, height, 1],
        [3, width, height, 1],
      ]);
      expect(Buffer.compare(shown.frames.data, plain.frames.data)).toBe(0);
      await backend.dispose();
    });
  },
);

describe("previews with little memory", () => {
  it("are not made: the decoder would be in memory beside the denoiser", async () => {
    const { bundle } = await openShapes();
    const files = new FolderFiles(EMBEDDED_BUNDLE);
    const backend = new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }));
    const pipeline = await Pipeline.load(bundle, backend, { lowMemory: true });
    const seen: Progress[] = [];
    await pipeline.generate(request, { previewEvery: 1, onProgress: (progress) => void seen.push(progress) });
    expect(seen.filter(({ phase }) => phase === "preview")).toEqual([]);
    await backend.dispose();
  });
});
