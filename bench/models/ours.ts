/** Our engine as a contestant, on whatever backend. */

import { readFileSync } from "node:fs";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import type { Branch } from "../../src/engine/cache/contract.ts";
import { off } from "../../src/engine/cache/off.ts";
import { decode } from "../../src/engine/decode.ts";
import { denoise } from "../../src/engine/denoise.ts";
import { randn } from "../../src/engine/random.ts";
import type { SegmentBackend, State } from "../../src/engine/segments/contract.ts";
import { resolveSettings } from "../../src/engine/settings.ts";
import { latentDims } from "../../src/engine/shape.ts";
import { encodeText, loadTokenizer } from "../../src/engine/text.ts";
import type { Contestant, Job, Video } from "./contestant.ts";

/** Linux counts CPU time in hundredths of a second. */
const TICK_MS = 10;

/** @param pid the process whose CPU time counts: a worker's, or our own */
export function ours(
  name: string,
  bundle: Bundle,
  backend: SegmentBackend,
  pid: () => number | undefined,
): Contestant {
  return {
    name,
    generate: (job) => generate(bundle, backend, job, pid()),
    dispose: () => backend.dispose(),
  };
}

async function generate(
  bundle: Bundle,
  backend: SegmentBackend,
  job: Job,
  pid: number | undefined,
): Promise<Video> {
  const { manifest } = bundle;
  const settings = resolveSettings(manifest, {
    prompt: job.prompt,
    negative_prompt: job.negative_prompt,
    seed: job.seed,
    num_inference_steps: job.steps,
    guidance_scale: job.guidance,
    width: job.width,
    height: job.height,
    num_frames: job.frames,
  });
  const began = performance.now();
  const conditioning: Partial<Record<Branch, State>> = {
    cond: await textOf(bundle, backend, job.prompt),
    uncond: await textOf(bundle, backend, job.negative_prompt),
  };
  try {
    const encoded = performance.now();
    const noise = randn(settings.seed, latentDims(manifest, settings.shape));
    const cpuBefore = cpuMs(pid);
    const { latents } = await denoise(bundle, backend, off, settings, conditioning, noise, {});
    const cpuAfter = cpuMs(pid);
    const denoised = performance.now();
    const { frames } = await decode(bundle, backend, settings.shape, latents, {});
    return {
      textMs: encoded - began,
      denoiseMs: denoised - encoded,
      decodeMs: performance.now() - denoised,
      cpuMs: cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore,
      latents,
      levels: frames.data,
    };
  } finally {
    for (const state of Object.values(conditioning)) backend.release(state);
  }
}

async function textOf(bundle: Bundle, backend: SegmentBackend, text: string): Promise<State> {
  let state: State = {};
  for (const encoder of bundle.manifest.text_encoders) {
    const tokens = (await loadTokenizer(bundle, encoder))(text);
    state = { ...state, ...(await encodeText(backend, encoder, tokens, {})) };
  }
  return state;
}

/** CPU time of a process so far, all its threads. */
function cpuMs(pid: number | undefined): number | undefined {
  if (pid === process.pid) {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
  try {
    // The name in brackets may hold anything; user and system time are the 12th and 13th fields after it.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return undefined;
  }
}
