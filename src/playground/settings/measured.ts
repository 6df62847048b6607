/** What MixCache's presets were measured to give on the models that come with the page. */

import type { PresetName } from "./cache-choice.ts";

/** What the page reads of a file of docs/schema/presets-1.schema.json. */
interface PresetsFile {
  readonly bundle: { readonly digest: string };
  readonly num_inference_steps: number;
  readonly prompts: { readonly count: number; readonly seeds: number };
  readonly presets: readonly {
    readonly preset: PresetName;
    readonly computed_speedup: number;
    readonly psnr: { readonly mean: number; readonly p10: number };
  }[];
}

/** One preset on one model. */
export interface Measured {
  /** Of the denoiser's FLOPs: uncached over cached. Timed speedups hang on the machine and are in docs/caching.md. */
  readonly speedup: number;
  /** Mean over videos, in dB, against the uncached video. */
  readonly psnr: number;
}

/** All presets of a model, and how they were measured. */
export interface MeasuredPresets {
  readonly of: ReadonlyMap<PresetName, Measured>;
  readonly steps: number;
  readonly videos: number;
}

const FILES = Object.values(
  import.meta.glob<PresetsFile>("../../../models/profiles/*/presets.json", {
    eager: true,
    import: "default",
  }),
);

/** @param digest of the model, hexadecimal, with or without `sha256:`; undefined where nobody measured that one */
export function measuredPresets(digest: string | undefined): MeasuredPresets | undefined {
  const wanted = digest?.replace(/^sha256:/, "");
  const file = FILES.find(({ bundle }) => bundle.digest === wanted);
  if (!file) return undefined;
  const { presets, num_inference_steps, prompts } = file;
  return {
    of: new Map(
      presets.map(({ preset, computed_speedup, psnr }) => [
        preset,
        { speedup: computed_speedup, psnr: psnr.mean },
      ]),
    ),
    steps: num_inference_steps,
    videos: prompts.count * prompts.seeds,
  };
}

/** The model that comes with the page: the one that is in the repository, and whose presets are measured. */
export const EMBEDDED_DIGEST = FILES[0]?.bundle.digest;
