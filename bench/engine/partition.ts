/** Figure 1: the segments, run one after the other as the engine runs them, against the same DiT as one graph. */

import { Tensor } from "onnxruntime-common";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { MixcacheError } from "../../src/errors.ts";
import { type FolderFiles, openOnnxNode } from "../../src/node/index.ts";
import type { Effort, Figure } from "./figure.ts";
import { compare, interleave, median } from "./stats.ts";
import { forwardValues } from "./values.ts";

/** The unpartitioned DiT over the same weight files; its tensors have the manifest's names for the values. */
export const WHOLE_GRAPH = "whole.onnx";

/** Beyond this the two compute different things, and their times say nothing. */
const LARGEST_DIFFERENCE = 1e-3;

/** The ratio of times at some number of threads. */
export async function partitionFigure(
  bundle: Bundle,
  files: FolderFiles,
  threads: number,
  { quick }: Effort,
): Promise<Figure> {
  const about = {
    id: `partition_${threads}t`,
    title: `segments / one graph, ${threads} thread${threads > 1 ? "s" : ""}`,
    unit: "",
    goal: { is: "at most", value: 1.03 },
  } as const;
  const denoiser = bundle.manifest.denoisers[0];
  if (!denoiser || !Object.hasOwn(bundle.manifest.files, WHOLE_GRAPH))
    return { ...about, value: undefined, note: `the bundle has no ${WHOLE_GRAPH}` };
  const runtime = await openOnnxNode(files, { threads });
  const backend = new OnnxBackend(bundle.manifest, runtime);
  const whole = await runtime.createSession(WHOLE_GRAPH);
  const values = forwardValues(bundle);
  const feeds = Object.fromEntries(
    whole.inputNames.map((name) => {
      const value = values[name];
      if (!value)
        throw new MixcacheError("bundle_invalid", `${WHOLE_GRAPH} reads ${name}, no value of the bundle.`);
      return [name, new Tensor(value.dtype, value.data, value.dims)];
    }),
  );
  const state = Object.fromEntries(
    await Promise.all(
      Object.entries(values).map(async ([name, value]) => [name, await backend.upload(value)] as const),
    ),
  );
  const output = whole.outputNames[0] ?? "";
  const betweenMs: number[] = [];
  const all = { kind: "segments", denoiser: denoiser.id, from: 0, to: denoiser.segments.length } as const;
  let difference = 0;
  let expected: Float32Array | undefined;
  const segments = async () => {
    const started = performance.now();
    let inGraphsMs = 0;
    const produced = await backend.run(all, state, {
      onGraph: (_, ms) => {
        inGraphsMs += ms;
      },
    });
    betweenMs.push(performance.now() - started - inGraphsMs);
    const handle = produced[output];
    if (expected && handle)
      difference = distance(expected, (await backend.read(handle)).data as Float32Array);
    backend.release(produced);
    return undefined;
  };
  const one = async () => {
    const result = (await whole.run(feeds))[output];
    expected ??= result?.data as Float32Array | undefined;
    return undefined;
  };
  const pairs = await interleave(quick ? 8 : 200, segments, one);
  backend.release(state);
  await backend.dispose();
  await whole.release();
  if (!(difference <= LARGEST_DIFFERENCE)) {
    throw new MixcacheError(
      "engine_failed",
      `The segments' output differs from that of ${WHOLE_GRAPH} by ${difference}: they are not the same model.`,
    );
  }
  const { medianA, medianB, fastestA, fastestB, ratio, quartiles, cpuRatio } = compare(pairs);
  return {
    ...about,
    value: ratio,
    byCpuTime: cpuRatio,
    note:
      `${medianA.toFixed(1)} / ${medianB.toFixed(1)} ms, quartiles ${quartiles.map((q) => q.toFixed(3)).join(" to ")}, ` +
      `fastest ${(fastestA / fastestB).toFixed(3)}, ${median(betweenMs).toFixed(2)} ms between graphs, ` +
      `outputs differ by ${difference.toExponential(0)}`,
  };
}

function distance(a: Float32Array, b: Float32Array): number {
  return a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - (b[i] ?? Number.NaN))), 0);
}
