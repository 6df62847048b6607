/**
 * Whole videos through Node's WebGPU provider, no operator on the CPU, against the CPU: the same frames, decisions within
 * the margin rule, and no hidden tensor on the way to the host.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, readBundle } from "../../src/engine/bundle/read.ts";
import { psnr } from "../../src/engine/metrics/psnr.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { resolveSettings, type Settings } from "../../src/engine/settings.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { type Download, watchDownloads } from "../support/downloads.ts";
import { type LiveRun, liveRun } from "../support/live-runs.ts";
import { compareRuns } from "../support/margin-rule.ts";
import { DECISION_CASES } from "../support/parity-decisions.ts";
import { livePolicy } from "../support/policies.ts";
import { type ToyFolder, toyFolder } from "../support/toy-folder.ts";
import { hasWebGpu, NEEDS_GPU } from "../support/webgpu.ts";

const there = await hasWebGpu();
const PROMPT = "a red circle moves left";
const LEAST_PSNR = 50;
/** Three sums are the most that a distance needs. */
const SCALARS_BYTES = 12;

const CASES = [
  { name: "off", cache: { policy: "off" }, factors: 1 },
  ...DECISION_CASES.filter(({ name }) =>
    ["mixcache at a speed", "teacache", "fbcache", "dbcache"].includes(name),
  ),
];

describe.skipIf(!there)(`a toy model on WebGPU (${NEEDS_GPU})`, () => {
  let toy: ToyFolder;
  let bundle: Bundle;
  let settings: Settings;
  let cpu: OnnxBackend;
  let gpu: OnnxBackend;
  let downloads: Download[];

  beforeAll(async () => {
    toy = toyFolder();
    const files = new FolderFiles(toy.folder);
    bundle = await readBundle(files);
    settings = resolveSettings(bundle.manifest, { prompt: PROMPT, seed: 7, num_inference_steps: 8 });
    cpu = new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }));
    const opened = await openOnnxNode(files, { threads: 1, device: "webgpu", wholly: () => true });
    const watched = watchDownloads(opened);
    downloads = watched.downloads;
    gpu = new OnnxBackend(bundle.manifest, watched.runtime);
  });
  afterAll(async () => {
    await cpu?.dispose();
    await gpu?.dispose();
    toy?.remove();
  });

  describe.each(CASES)("$name", ({ cache, factors = 1 }) => {
    let runs: readonly [LiveRun, LiveRun];
    let came: readonly Download[];

    beforeAll(async () => {
      const request = { settings, prompt: PROMPT, negativePrompt: "" };
      const make = (backend: OnnxBackend) =>
        liveRun(bundle, backend, livePolicy(bundle, settings, cache), request);
      const onCpu = await make(cpu);
      downloads.length = 0;
      runs = [onCpu, await make(gpu)];
      came = [...downloads];
    });

    it("decides as on the CPU, within the margin rule, and gives the same latents", () => {
      const { parted } = compareRuns(...runs, factors);
      // The margins of these requests are far above any rounding.
      expect(parted).toBeUndefined();
      expect(runs[0].steps.some(({ flops, fullFlops }) => flops < fullFlops)).toBe(cache.policy !== "off");
    });

    it(`gives the same frames, to ${LEAST_PSNR} dB`, () => {
      const [a, b] = runs.map(({ frames }) => {
        const { width, height, frames: count } = settings.shape;
        return { width, height, count, data: Uint8Array.from(frames) };
      });
      if (!a || !b) throw new Error("two videos are compared");
      expect(psnr(a, b)).toBeGreaterThanOrEqual(LEAST_PSNR);
    });

    it("downloads predictions once each, frames and scalars: no hidden tensor, and nothing of a segment", () => {
      expect(came.filter(({ from }) => from !== "glue")).toEqual([]);
      const isVideo = ({ dims }: Download) => dims.length === 5;
      const [velocities, frames] = [1, 2].map((c) =>
        came.filter((each) => isVideo(each) && (each.dims[1] === 2) === (c === 1)),
      );
      const forwards = runs[1].steps.flatMap(({ branches }) =>
        branches.filter(({ graphs }) => graphs.some(({ id }) => id === "head")),
      );
      expect(velocities).toHaveLength(forwards.length);
      expect(frames).toHaveLength(settings.shape.latent[0]);
      const rest = came.filter((each) => !isVideo(each));
      expect(rest.every(({ bytes }) => bytes <= SCALARS_BYTES)).toBe(true);
    });

    it("leaves nothing on the device", () => {
      expect(gpu.bytesHeld()).toBe(0);
    });
  });
});
