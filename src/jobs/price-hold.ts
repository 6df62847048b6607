/**
 * What a video costs at the most: nothing reused, every text as long as the encoders read, no text known from before.
 * The FLOPs are the manifest's, counted as the engine counts them when it runs.
 */

import { decoderFlops, flopsOf } from "../engine/bundle/flops.ts";
import type { DenoiserManifest, Manifest } from "../engine/bundle/manifest.ts";
import type { TextEncoderManifest } from "../engine/bundle/manifest-text.ts";
import { planTiles, type Span } from "../engine/decode-tiles.ts";
import { branchesOf, branchesOfRun, denoiserAt } from "../engine/denoisers.ts";
import { createScheduler } from "../engine/schedulers/index.ts";
import { guidanceOf, type Settings } from "../engine/settings.ts";
import { latentFramesPerCall } from "../engine/shape.ts";
import type { Micros, PriceTerms, Usage } from "./money-contract.ts";
import { billRoundedUp, type Price } from "./price.ts";
import { videoMsOf } from "./usage.ts";

/** Of `gpu_second`, where the price says nothing: about what one core of a laptop computes. */
const SLOWEST_TFLOPS = 0.02;
/** Traces are sums of float64 numbers in another order; a bound has to be above their rounding. */
const ROUNDING = 1 + 2 ** -44;

/** The hold of a video. */
export function holdFor(
  price: Price,
  terms: PriceTerms,
  wish: { manifest: Manifest; settings: Settings; fps: number },
): Micros {
  return billRoundedUp(terms, mostUsage(wish, price.slowest_tflops));
}

/** The most that a video may use. @param slowestTflops the slowest TFLOP/s that the operator answers for */
export function mostUsage(
  { manifest, settings, fps }: { manifest: Manifest; settings: Settings; fps: number },
  slowestTflops: number = SLOWEST_TFLOPS,
): Usage {
  const flops =
    textFlops(manifest, settings) + stepsFlops(manifest, settings) + decodeFlops(manifest, settings);
  return {
    flops: BigInt(Math.ceil(flops * ROUNDING)),
    engineMs: BigInt(Math.ceil(flops / (slowestTflops * 1e9))),
    videoMs: BigInt(videoMsOf(settings.shape.frames, fps)),
  };
}

function textFlops(manifest: Manifest, settings: Settings): number {
  const ofBranch = sum(manifest.text_encoders, ({ flops, max_tokens }) =>
    flopsOf(flops, { tokens: 0, text: max_tokens }),
  );
  return ofBranch * branchesOfRun(manifest, settings).length;
}

function stepsFlops(manifest: Manifest, settings: Settings): number {
  const { timesteps } = createScheduler(settings.scheduler, settings.steps);
  const ofBranch = new Map(
    manifest.denoisers.map((denoiser) => [denoiser, branchFlops(manifest, denoiser, settings)]),
  );
  return sum(timesteps, (timestep) => {
    const denoiser = denoiserAt(manifest.denoisers, timestep);
    return (ofBranch.get(denoiser) ?? 0) * branchesOf(denoiser, guidanceOf(settings, denoiser)).length;
  });
}

/** One branch of one step: each segment whole or module by module, whichever costs more. */
function branchFlops(manifest: Manifest, denoiser: DenoiserManifest, { shape }: Settings): number {
  const texts = mostTextTokens(manifest, denoiser);
  const sizes = { tokens: shape.tokens, text: Math.max(0, ...Object.values(texts)), texts };
  return sum(denoiser.segments, ({ flops, blocks: [from, to] }) => {
    const modules = denoiser.modules.filter(({ block }) => block >= from && block < to);
    const finer = sum(
      modules,
      ({ compute, apply }) => flopsOf(compute.flops, sizes) + flopsOf(apply.flops, sizes),
    );
    return Math.max(flopsOf(flops, sizes), finer);
  });
}

/**
 * The most tokens of each text that the denoiser reads, by its prompt value. A text that a prompt graph makes of
 * another has the size that the manifest gives it, or, where that is a name, the size of the one of the same name.
 */
function mostTextTokens({ text_encoders }: Manifest, { values }: DenoiserManifest): Record<string, number> {
  const encoded = new Map(text_encoders.flatMap((encoder) => outputsOf(encoder)));
  const named = new Map<string, number>();
  for (const [name, tokens] of encoded) {
    const size = values[name]?.dims[1];
    if (typeof size === "string") named.set(size, Math.max(tokens, named.get(size) ?? 0));
  }
  const longest = Math.max(0, ...encoded.values());
  const texts = Object.entries(values).filter(([, { kind, dims }]) => kind === "prompt" && dims.length === 3);
  return Object.fromEntries(
    texts.map(([name, { dims }]) => {
      const size = dims[1] ?? 0;
      return [name, encoded.get(name) ?? (typeof size === "number" ? size : (named.get(size) ?? longest))];
    }),
  );
}

function outputsOf({
  outputs,
  max_tokens,
  crop_start,
}: TextEncoderManifest): [value: string, tokens: number][] {
  return Object.values(outputs).map(({ value }) => [value, max_tokens - crop_start]);
}

/** Of the decoder nothing is reused, so this is what it costs. */
function decodeFlops(manifest: Manifest, { shape }: Settings): number {
  const { first, next } = manifest.decoder;
  const { clips, rows, columns } = planTiles(manifest, shape.latent);
  return sum(clips, (clip) =>
    sum(callsOf(manifest, clip), (frames, index) => {
      const { flops } = index > 0 && next ? next : first;
      return sum(rows, (row) =>
        sum(columns, (column) => decoderFlops(flops, frames, length(row) * length(column))),
      );
    }),
  );
}

/** The latent frames of each call that decodes a clip. */
function callsOf({ decoder }: Manifest, clip: Span): number[] {
  const perCall = latentFramesPerCall(decoder);
  if (!perCall) return [length(clip)];
  const calls: number[] = [];
  for (let left = length(clip); left > 0; left -= calls.at(-1) ?? left)
    calls.push(Math.min(left, calls.length === 0 ? perCall.first : perCall.next));
  return calls;
}

function length([from, to]: Span): number {
  return to - from;
}

function sum<T>(items: Iterable<T>, value: (item: T, index: number) => number): number {
  let total = 0;
  let index = 0;
  for (const item of items) total += value(item, index++);
  return total;
}
