/**
 * Latents → video. The decoder's floats are in memory for one call at a time, its state for one tile, and of the
 * tiles before it only what overlaps; frames are bytes as soon as they are done.
 */

import { MixcacheError } from "../errors.ts";
import { decoderFlops } from "./bundle/flops.ts";
import type { Manifest } from "./bundle/manifest.ts";
import type { DecoderManifest } from "./bundle/manifest-decoder.ts";
import type { Bundle } from "./bundle/read.ts";
import { TileJoiner } from "./decode-seams.ts";
import { type Block, planTiles, type Span } from "./decode-tiles.ts";
import type { RgbFrames } from "./frames.ts";
import { latentRegion, type PlacedBlock, type Region, writePixels } from "./pixels.ts";
import type { RunHooks } from "./progress.ts";
import type { HostTensor, SegmentBackend, State } from "./segments/contract.ts";
import { latentFramesPerCall, type VideoShape } from "./shape.ts";
import type { GraphTrace } from "./trace.ts";

/** What is decoded and who does it. */
export interface DecodeJob {
  readonly bundle: Bundle;
  readonly backend: SegmentBackend;
  readonly shape: VideoShape;
  /** Clean, [1, channels, frames, height, width], or frames first where the bundle says so. */
  readonly latents: Float32Array;
  readonly hooks: RunHooks;
  readonly onGraph?: (graph: GraphTrace) => void;
  /** Only so many latent frames from the first on, no more than one call takes; the frames are what that call gives. */
  readonly beginning?: number;
}

/**
 * Decodes clean latents.
 * @throws MixcacheError `bundle_invalid` where the decoder gives something else than the manifest says; `aborted`
 */
export async function decode(
  bundle: Bundle,
  backend: SegmentBackend,
  shape: VideoShape,
  latents: Float32Array,
  hooks: RunHooks,
): Promise<{ frames: RgbFrames; graphs: GraphTrace[] }> {
  const { width, height, frames: count } = shape;
  const data = new Uint8Array(count * height * width * 3);
  const graphs: GraphTrace[] = [];
  const onGraph = (graph: GraphTrace) => graphs.push(graph);
  for await (const block of decodedBlocks({ bundle, backend, shape, latents, hooks, onGraph })) {
    writePixels(data, shape, block, bundle.manifest.decoder.pixel_range);
  }
  return { frames: { width, height, count, data }, graphs };
}

/** The decoded video in blocks that together cover it once, tile by tile and in each in the order of time. */
export async function* decodedBlocks(job: DecodeJob): AsyncGenerator<PlacedBlock> {
  const { manifest } = job.bundle;
  const { beginning } = job;
  const whole = planTiles(manifest, job.shape.latent);
  const plan = beginning === undefined ? whole : { ...whole, clips: [[0, beginning] as const] };
  const joiner = new TileJoiner(manifest, plan);
  const calls = plan.clips.reduce((sum, clip) => sum + callsOf(job, clip).length, 0);
  const all = calls * plan.rows.length * plan.columns.length;
  let done = 0;
  for (const [clip, frames] of plan.clips.entries()) {
    for (const [row, rows] of plan.rows.entries()) {
      for (const [column, columns] of plan.columns.entries()) {
        let [call, frame] = [0, 0];
        for await (const block of decodeTile(job, [frames, rows, columns])) {
          yield joiner.join(block, { clip, row, column, call, frame });
          call += 1;
          frame += block.dims[1];
          done += 1;
          job.hooks.onProgress?.({ phase: "decode", fraction: done / all });
        }
      }
    }
  }
}

/** The latent frames of each call that decodes a clip. */
function callsOf({ bundle }: DecodeJob, [from, to]: Span): Span[] {
  const perCall = latentFramesPerCall(bundle.manifest.decoder);
  if (!perCall) return [[from, to]];
  const calls: Span[] = [];
  for (let start = from; start < to; ) {
    const end = Math.min(start + (start === from ? perCall.first : perCall.next), to);
    calls.push([start, end]);
    start = end;
  }
  return calls;
}

/** One tile: a call after the other, each with the state that the one before it left. */
async function* decodeTile(job: DecodeJob, [clip, rows, columns]: Region): AsyncGenerator<Block> {
  const { first, next } = job.bundle.manifest.decoder;
  let state: State = {};
  let frames = 0;
  try {
    for (const [index, span] of callsOf(job, clip).entries()) {
      const region: Region = [span, rows, columns];
      const produced = await runCall(job, index > 0 && next ? next : first, region, state);
      job.backend.release(state);
      state = produced.state;
      const block = blockOf(job.bundle.manifest, produced.frames, region);
      frames += block.dims[1];
      yield block;
    }
  } finally {
    job.backend.release(state);
  }
  if (job.beginning !== undefined) return;
  const expected = videoFrames(job.bundle.manifest, clip[1] - clip[0]);
  if (frames !== expected) wrongFrames(`${frames} frames`, `${expected}`);
}

type Call = DecoderManifest["first"];

/** One call: some latents and the state in, frames and the state's successor out. */
async function runCall(job: DecodeJob, call: Call, region: Region, state: State) {
  const { backend, bundle, shape, hooks } = job;
  const latents = await backend.upload(latentRegion(bundle.manifest, shape, job.latents, region));
  const [frames, rows, columns] = region.map(([from, to]) => to - from);
  const flops = decoderFlops(call.flops, frames ?? 0, (rows ?? 0) * (columns ?? 0));
  let produced: State;
  try {
    produced = await backend.run(
      { kind: "graph", graph: call.graph, inputs: call.inputs, outputs: call.outputs },
      { ...state, latents },
      {
        ...(hooks.signal && { signal: hooks.signal }),
        onGraph: (id, durationMs) => job.onGraph?.({ id, durationMs, flops }),
      },
    );
  } finally {
    backend.release({ latents });
  }
  const { frames: made, ...next } = produced;
  try {
    if (!made) throw new MixcacheError("bundle_invalid", "The decoder gave no frames.");
    return { frames: await backend.read(made), state: next };
  } catch (error) {
    backend.release(next);
    throw error;
  } finally {
    if (made) backend.release({ made });
  }
}

/** The frames of a call, if they are as large as its latents say. */
function blockOf({ latents }: Manifest, { data, dtype, dims }: HostTensor, region: Region): Block {
  if (!(data instanceof Float32Array))
    throw new MixcacheError("bundle_invalid", `The decoder's frames are ${dtype}; they must be float32.`);
  const [, channels = 0, frames = 0, rows = 0, columns = 0] = dims;
  const [height, width] = ([1, 2] as const).map(
    (axis) => (region[axis][1] - region[axis][0]) * latents.compression[axis],
  );
  if (channels !== 3 || rows !== height || columns !== width)
    wrongFrames(`frames of ${dims.join(" x ")}`, `1 x 3 x n x ${height} x ${width}`);
  return { data, dims: [channels, frames, rows, columns] };
}

/** How many video frames some latent frames stand for, the first among them. */
function videoFrames({ latents }: Manifest, frames: number): number {
  const [perFrame] = latents.compression;
  return latents.first_frame_alone ? 1 + (frames - 1) * perFrame : frames * perFrame;
}

function wrongFrames(found: string, expected: string): never {
  throw new MixcacheError(
    "bundle_invalid",
    `The decoder gave ${found} instead of ${expected}. Export the bundle again.`,
  );
}
