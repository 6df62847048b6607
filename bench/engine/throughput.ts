/** Figure 2: GFLOP/s of the whole denoising loop against a large MatMul, which is about the best the cores can do. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type InferenceSession, Tensor } from "onnxruntime-common";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import { Pipeline } from "../../src/engine/pipeline.ts";
import { randn } from "../../src/engine/random.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { FolderFiles, openOnnxNode } from "../../src/node/index.ts";
import type { Effort, Figure } from "./figure.ts";
import { matmulModel } from "./matmul-graph.ts";
import { compare, interleave, stopwatch, type Time } from "./stats.ts";

const SIZE = 2048;
const MATMUL_FLOPS = 2 * SIZE ** 3;
/** Steps of each generation; enough that the loop outweighs its first and last step. */
const STEPS = 4;

/** The ratio of throughputs at some number of threads. */
export async function throughputFigure(
  bundle: Bundle,
  files: FolderFiles,
  threads: number,
  prompt: string,
  { quick }: Effort,
): Promise<Figure> {
  const backend = new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads }));
  const pipeline = await Pipeline.load(bundle, backend);
  const matmul = await openMatmul(threads);
  const feeds = {
    A: new Tensor("float32", randn(1, [SIZE, SIZE]), [SIZE, SIZE]),
    B: new Tensor("float32", randn(2, [SIZE, SIZE]), [SIZE, SIZE]),
  };
  let flops = 0;
  const loop = async () => {
    let watch: (() => Time) | undefined;
    let cpuMs = Number.NaN;
    const { trace } = await pipeline.generate(
      { prompt, num_inference_steps: STEPS, cache: "off" },
      {
        onProgress: ({ phase }) => {
          if (phase !== "denoise") return;
          // From the first graph's end to the last one's: what is missing is one run of the first graph.
          watch ??= stopwatch();
          cpuMs = watch().cpuMs;
        },
      },
    );
    flops = trace.denoiseFlops;
    return { wallMs: trace.denoiseMs, cpuMs };
  };
  const product = async () => {
    (await matmul.run(feeds)).C?.dispose();
    return undefined;
  };
  // The MatMul is a, so that the ratio of the times is the ratio of the speeds of the same work.
  const { medianA, medianB, fastestA, fastestB, ratio, quartiles, cpuRatio } = compare(
    await interleave(quick ? 3 : 30, product, loop),
  );
  await backend.dispose();
  await matmul.release();
  const work = flops / MATMUL_FLOPS;
  const speed = (count: number, ms: number) => `${(count / ms / 1e6).toFixed(1)} GFLOP/s`;
  return {
    id: `throughput_${threads}t`,
    title: `denoising loop / MatMul, ${threads} thread${threads > 1 ? "s" : ""}`,
    value: ratio * work,
    byCpuTime: cpuRatio * work,
    unit: "",
    goal: { is: "at least", value: 0.9 },
    note:
      `${speed(flops, medianB)} / ${speed(MATMUL_FLOPS, medianA)}, ` +
      `quartiles ${quartiles.map((q) => (q * work).toFixed(3)).join(" to ")}, ` +
      `fastest ${((fastestA / fastestB) * work).toFixed(3)}, ${(medianB / STEPS).toFixed(1)} ms a step`,
  };
}

/** A session with the engine's own settings. */
async function openMatmul(threads: number): Promise<InferenceSession> {
  const folder = await mkdtemp(path.join(tmpdir(), "mixcache-bench-"));
  try {
    await writeFile(path.join(folder, "matmul.onnx"), matmulModel(SIZE));
    const runtime = await openOnnxNode(new FolderFiles(folder), { threads });
    return await runtime.createSession("matmul.onnx");
  } finally {
    await rm(folder, { recursive: true });
  }
}
