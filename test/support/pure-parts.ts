/**
 * What of the engine needs no ONNX Runtime, worked through once: the same digests in every JavaScript runtime. Free of
 * node: modules, so that workerd and browsers can run it too.
 */

import profile from "../../models/profiles/6030448da0c31209b5926c9e9429ff28d3822b65828f7d1e11c482c59ad2f535/flow_match_euler-20-64x64x16-g3.json" with {
  type: "json",
};
import words from "../../models/shapes/tokenizer.json" with { type: "json" };
import type { SchedulerManifest } from "../../src/engine/bundle/manifest.ts";
import { POLICIES } from "../../src/engine/cache/policies.ts";
import { readProfile } from "../../src/engine/cache/profile-fit.ts";
import { provide } from "../../src/engine/provided.ts";
import { randn } from "../../src/engine/random.ts";
import { replayTrace } from "../../src/engine/replay-trace.ts";
import { createScheduler } from "../../src/engine/schedulers/index.ts";
import { videoShape } from "../../src/engine/shape.ts";
import { parseWordVocabulary, wordTokens } from "../../src/engine/tokenizer.ts";
import { readTrace } from "../../src/engine/trace-file.ts";
import { hexOf } from "../../src/wire/hex.ts";
import {
  answered,
  decide,
  decisionsOf,
  handmadeProfile,
  policyFor,
  runInfo,
  shapesManifest,
  silent,
} from "./policies.ts";

const SCHEDULERS: readonly SchedulerManifest[] = [
  { kind: "flow_match_euler", shift: 3 },
  { kind: "unipc", shift: 3, order: 2 },
  { kind: "ddim", beta_start: 0.00085, beta_end: 0.012, snr_shift: 3 },
];
const STEPS = 20;
/** What policies can't do without. */
const OPTIONS: Readonly<Record<string, object>> = { static: { full_steps: 8 } };
/** Beyond 2^32, and with a number of values that is no multiple of the generator's blocks. */
const SEED = 2n ** 40n + 7n;
const PROMPTS = ["a purple square moves down on an orange background", "A circle, über—alles!", ""];

/** SHA-256 of everything that each part gives, by the part's name. `trace` is the text of a recorded run. */
export async function pureOutputs(trace: string): Promise<Readonly<Record<string, string>>> {
  const parts: Record<string, () => unknown> = {
    noise: () => [randn(0n, [1, 3, 8, 32, 32]), randn(SEED, [1, 1237])],
    tokens: () => {
      const vocabulary = parseWordVocabulary(JSON.stringify(words));
      return PROMPTS.map((prompt) => JSON.stringify(wordTokens(vocabulary, prompt, 24, "to_max")));
    },
    tables: tables,
    schedulers: () => SCHEDULERS.map((scheduler) => path(scheduler)),
    policies: () => POLICIES.map(({ name }) => decisions(name)),
    replay: () => replayed(trace),
  };
  const digests: Record<string, string> = {};
  for (const [name, make] of Object.entries(parts)) digests[name] = await digestOf(make());
  return digests;
}

/** Sinusoids and rotary tables: what the engine computes so that no device has to. */
function tables(): unknown {
  const { video, denoisers } = shapesManifest;
  const { width, height, frames } = video.default;
  const shape = videoShape(shapesManifest, width, height, frames);
  const values = Object.values(denoisers[0]?.values ?? {}).flatMap(({ provided }) => provided ?? []);
  return values.map((value) => provide(value, shape, { sigma: 0.7, timestep: 700, guidanceScale: 3 }).data);
}

/** The latents after every step, from a velocity that is made up. */
function path(manifest: SchedulerManifest): unknown {
  const scheduler = createScheduler(manifest, STEPS);
  const found: Float32Array[] = [];
  let latents = randn(1n, [64]);
  for (const index of scheduler.timesteps.keys()) {
    latents = scheduler.step(
      index,
      latents.map((x, i) => 0.5 * x - i / 64 + index / 8),
      latents,
    );
    found.push(latents);
  }
  return [JSON.stringify([scheduler.sigmas, scheduler.timesteps]), ...found];
}

/**
 * What a policy decides where every scalar is made up, different ones at every step. By exact arithmetic: the last bit of
 * `Math.sin` is another one in each version of V8.
 */
function decisions(name: string): string {
  const policy = policyFor({ policy: name, ...OPTIONS[name] }, STEPS, handmadeProfile(STEPS));
  const made = answered(policy, ({ kind }, step) => 0.02 + ((7 * step + 3 * kind.length) % 11) / 200);
  return decisionsOf(decide(made, runInfo(STEPS, { branches: ["cond", "uncond"] }), silent(STEPS)));
}

/** The decisions of a recorded run, which have to be those that are made again. */
function replayed(text: string): string {
  const trace = readTrace(text, "the recorded trace");
  const found = { profile: readProfile(JSON.stringify(profile), "its profile") };
  const parting = replayTrace(trace, { manifest: shapesManifest }, found);
  if (parting) throw new Error(`step ${parting.step}: ${parting.what} is not what was recorded`);
  return JSON.stringify(trace.steps);
}

async function digestOf(made: unknown): Promise<string> {
  const pieces = [made].flat(3).map((piece) => {
    if (piece instanceof Float32Array)
      return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
    return new TextEncoder().encode(String(piece));
  });
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return hexOf(await crypto.subtle.digest("SHA-256", bytes));
}
