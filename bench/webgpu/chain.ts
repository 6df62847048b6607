/** Segments chained on the GPU against the same DiT as one graph: what the cuts cost, and what crosses them. */

import type { Bundle } from "../../src/engine/bundle/read.ts";
import type { State } from "../../src/engine/segments/contract.ts";
import { OnnxBackend, type OnnxRuntime } from "../../src/engine/segments/onnx.ts";
import { MixcacheError } from "../../src/errors.ts";
import { watchDownloads } from "../../test/support/downloads.ts";
import { WHOLE_GRAPH } from "../engine/partition.ts";
import { type Comparison, compare, interleave } from "../engine/stats.ts";
import { forwardValues } from "../engine/values.ts";

/** Of the largest value of the output. Beyond this the two compute different things, and their times say nothing. */
const LARGEST_DIFFERENCE = 1e-4;

/** A forward pass in segments (a) and as one graph (b). */
export interface Chain {
  readonly times: Comparison;
  readonly graphs: number;
  /** Tensors that came to the host between the first segment and the last, of all passes. */
  readonly downloads: number;
  readonly downloadedBytes: number;
  /** Largest difference of the outputs. */
  readonly difference: number;
}

/**
 * Times both in turn, each from values on the device to the output on the host.
 * @throws MixcacheError where their outputs differ
 */
export async function chain(bundle: Bundle, opened: OnnxRuntime, rounds: number): Promise<Chain> {
  const { runtime, downloads } = watchDownloads(opened);
  const backend = new OnnxBackend(bundle.manifest, runtime);
  const [denoiser] = bundle.manifest.denoisers;
  if (!denoiser) throw new MixcacheError("bundle_invalid", "The bundle has no denoiser.");
  const one = await opened.createSession(WHOLE_GRAPH);
  const same = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));
  const whole = {
    kind: "graph",
    graph: WHOLE_GRAPH,
    inputs: same(one.inputNames),
    outputs: same(one.outputNames),
  } as const;
  const [output = ""] = one.outputNames;
  await one.release();
  const all = { kind: "segments", denoiser: denoiser.id, from: 0, to: denoiser.segments.length } as const;
  const values: Record<string, State[string]> = {};
  for (const [name, value] of Object.entries(forwardValues(bundle)))
    values[name] = await backend.upload(value);
  let between: typeof downloads = [];
  const results: [Float32Array, Float32Array] = [new Float32Array(0), new Float32Array(0)];
  const pass = async (work: typeof all | typeof whole, place: 0 | 1) => {
    const before = downloads.length;
    const produced = await backend.run(work, values);
    if (place === 0) between = [...between, ...downloads.slice(before)];
    const handle = produced[output];
    if (handle) results[place] = (await backend.read(handle)).data as Float32Array;
    backend.release(produced);
    return undefined;
  };
  const pairs = await interleave(
    rounds,
    () => pass(all, 0),
    () => pass(whole, 1),
  );
  backend.release(values);
  await backend.dispose();
  return {
    times: compare(pairs),
    graphs: denoiser.segments.length,
    downloads: between.length,
    downloadedBytes: between.reduce((sum, { bytes }) => sum + bytes, 0),
    difference: differenceOf(results),
  };
}

function differenceOf([a, b]: readonly [Float32Array, Float32Array]): number {
  const scale = b.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
  const difference =
    a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - (b[i] ?? Number.NaN))), 0) / scale;
  if (a.length > 0 && difference <= LARGEST_DIFFERENCE) return difference;
  throw new MixcacheError(
    "engine_failed",
    `The segments' output differs from that of ${WHOLE_GRAPH} by ${difference}: they are not the same model.`,
  );
}
