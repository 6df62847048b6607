/** Many videos through one torch worker: whether a tensor or memory stays behind. */

import { readFileSync } from "node:fs";
import { readBundle } from "../../src/engine/bundle/read.ts";
import { Pipeline } from "../../src/engine/pipeline.ts";
import { TorchBackend } from "../../src/engine/segments/torch.ts";
import { MixcacheError } from "../../src/errors.ts";
import { FolderFiles, torchWorker } from "../../src/node/index.ts";
import type { TinyWeights } from "../support/tiny-weights.ts";

export interface LeakReport {
  readonly videos: number;
  /** Of these, stopped in the middle. */
  readonly aborted: number;
  /** Tensors in the worker, and bytes held in TypeScript, when all is over. */
  readonly tensors: number;
  readonly bytesHeld: number;
  /** Resident memory after the warm-up and at the end, of the worker and of this process. */
  readonly workerBytes: readonly [number, number];
  readonly ownBytes: readonly [number, number];
}

/** Every so many videos one is stopped in the middle. */
const ABORT_EVERY = 10;

/**
 * Makes videos of the smallest size, one step each, in turn with two prompts.
 * @param warmUp videos before memory is measured for the first time
 */
export async function torchLeaks(
  python: string,
  tiny: TinyWeights,
  videos: number,
  warmUp: number,
): Promise<LeakReport> {
  const files = new FolderFiles(tiny.bundle);
  const bundle = await readBundle(files);
  const options = { python, weights: tiny.weights, device: "cpu", dtype: "float32" } as const;
  const backend = new TorchBackend(bundle.manifest, torchWorker(options, 1));
  try {
    const pipeline = await Pipeline.load(bundle, backend);
    const { width, height, frames } = bundle.manifest.video;
    const smallest = { width: width.min, height: height.min, num_frames: frames.min };
    const resident = async () => [(await backend.stats()).resident_bytes, ownResident()] as const;
    let before = await resident();
    let aborted = 0;
    for (let video = 0; video < videos; video++) {
      if (video === warmUp) before = await resident();
      const controller = new AbortController();
      const stops = video % ABORT_EVERY === ABORT_EVERY - 1;
      const request = {
        prompt: video % 2 ? "a cat" : "a red circle",
        seed: video,
        num_inference_steps: 1,
        cache: "off",
        ...smallest,
      };
      try {
        await pipeline.generate(request, {
          signal: controller.signal,
          onProgress: ({ phase }) => stops && phase === "denoise" && controller.abort(),
        });
      } catch (error) {
        if (!(stops && error instanceof MixcacheError && error.code === "aborted")) throw error;
        aborted++;
      }
    }
    const { tensors } = await backend.stats();
    const after = await resident();
    return {
      videos,
      aborted,
      tensors,
      bytesHeld: backend.bytesHeld(),
      workerBytes: [before[0], after[0]],
      ownBytes: [before[1], after[1]],
    };
  } finally {
    await backend.dispose();
  }
}

/** Resident memory of this process, once what can be collected was. */
function ownResident(): number {
  globalThis.gc?.();
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
