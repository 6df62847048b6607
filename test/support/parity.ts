/** The fixtures of `python/parity`: tiny bundles with what diffusers' own pipelines made from the same weights. */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { type Bundle, readBundle } from "../../src/engine/bundle/read.ts";
import type { CacheRequest } from "../../src/engine/cache/request.ts";
import { type GenerateRequest, resolveSettings, type Settings } from "../../src/engine/settings.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { readGolden, type Tensor } from "./golden.ts";

/** test:parity sets it to fixtures that it made anew. */
const MODELS = process.env.MIXCACHE_PARITY_FIXTURES ?? path.join(import.meta.dirname, "../fixtures/models");

/** The names of all fixtures. */
export const PARITY_FIXTURES: readonly string[] = readdirSync(MODELS).sort();

/** One video, from its seed alone. */
export interface ParityRun {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly seed: number;
}

/** A run with one of diffusers' cache hooks. */
export interface ParityCached extends ParityRun {
  readonly guidance: number;
  /** The policy that means the same. */
  readonly policy: CacheRequest;
  /** By graph: in how many branches it was computed, a digit for each step. */
  readonly computed: Readonly<Record<string, string>>;
}

/** Value names, each with the name of its reference tensor. */
export type References = Readonly<Record<string, string>>;

/** What one denoiser reads and gives in one step of the first run. */
export interface ParityDetail {
  readonly denoiser: string;
  readonly run: string;
  readonly timestep: number;
  readonly sigma: number;
  readonly values: References;
  /** By graph without its ending: what it has to give, from diffusers' own values. */
  readonly outputs: Readonly<Record<string, References>>;
}

/** What `golden.json` says. */
export interface ParityAbout {
  readonly prompt: string;
  readonly negative_prompt: string | null;
  readonly steps: number;
  readonly guidance: number;
  /** Of the denoisers after the first, where it is another. */
  readonly guidance_2?: number;
  readonly runs: readonly ParityRun[];
  /** By text and encoder. */
  readonly ids: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  readonly bundle_digest: string;
  readonly prompt_values: Readonly<Record<string, References>>;
  readonly details: readonly ParityDetail[];
  readonly cached?: readonly ParityCached[];
}

/** One fixture. */
export interface Parity {
  readonly about: ParityAbout;
  readonly tensor: (name: string) => Tensor;
  readonly files: FolderFiles;
  readonly open: () => Promise<Bundle>;
  /** What can run the bundle, before it is opened. */
  readonly engines: () => readonly string[];
}

/** Reads a fixture's reference; `open` reads its bundle. */
export function openParity(name: string): Parity {
  const folder = path.join(MODELS, name);
  const files = new FolderFiles(path.join(folder, "bundle"));
  const engines = (): readonly string[] =>
    JSON.parse(readFileSync(files.pathOf("model.json"), "utf8")).engines ?? ["onnx"];
  return { ...readGolden<ParityAbout>(folder), files, open: () => readBundle(files), engines };
}

/** The variants of a fixture's bundle. */
export function variantsOf(name: string): readonly string[] {
  const manifest = JSON.parse(readFileSync(path.join(MODELS, name, "bundle/model.json"), "utf8"));
  return (manifest.variants ?? []).map(({ id }: { id: string }) => id);
}

/** What a reference run asks for; references are exact. */
export function parityRequest(about: ParityAbout, run: ParityRun): GenerateRequest {
  return {
    prompt: about.prompt,
    ...(about.negative_prompt !== null && { negative_prompt: about.negative_prompt }),
    seed: run.seed,
    num_inference_steps: about.steps,
    guidance_scale: about.guidance,
    ...(about.guidance_2 !== undefined && { guidance_scale_2: about.guidance_2 }),
    width: run.width,
    height: run.height,
    num_frames: run.frames,
    cache: "off",
  };
}

/** The settings of a reference run. */
export function paritySettings({ manifest }: Bundle, about: ParityAbout, run: ParityRun): Settings {
  return resolveSettings(manifest, parityRequest(about, run));
}

/** Frames of diffusers, [1, frames, 3, height, width] in 0 … 1, in the order of bytes, in levels of 0 … 255. */
export function levels(frames: Tensor, { width, height }: ParityRun): Float32Array {
  const { data } = frames;
  const plane = width * height;
  return Float32Array.from({ length: data.length }, (_, i) => {
    const frame = Math.floor(i / (3 * plane));
    const [pixel, channel] = [Math.floor(i / 3) % plane, i % 3];
    return (data[(frame * 3 + channel) * plane + pixel] ?? 0) * 255;
  });
}
