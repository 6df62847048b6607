/** What goes into the model: what was measured, and what is assumed. */

import { readFile } from "node:fs/promises";
import path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { quantile } from "../../src/engine/metrics/statistics.ts";

const RESULTS = path.join(import.meta.dirname, "../caching/results/comparison");

/** Assumed, since no GPU was at hand; the options of `npm run bench:scale` change the first four. */
export const ASSUMED = {
  /** GPU time of a mean video without caching, in seconds. */
  jobSeconds: 60,
  /** A GPU for an hour, in dollars: an H100-class GPU as of 2026-11. */
  dollarsPerHour: 2,
  /** Spot machines that are taken back: of each GPU, in an hour. */
  lossesPerHour: 0.05,
  /** From asking for a machine to its container's start: the shortest and the longest, in seconds. */
  machineSeconds: [90, 240],
  /** Fetching a model of 30 GB at 500 MB/s, in seconds. */
  fetchSeconds: 60,
  /** Lengths of videos, in seconds, that are asked for equally often; the work grows as the length. */
  lengths: [4, 8, 12],
  /** The API's `TARGET_WAIT_SECONDS`, and how often it is asked for the number. */
  targetWaitSeconds: 60,
  tickSeconds: 60,
  /** A worker that is told to go hands its video back at once; the next one makes it from the beginning. */
  handBackSeconds: 10,
} as const;

/**
 * Measured by `npm run bench:cold -- --times 3` on two busy cores, 2026-11-28: from the start of a process with nothing in
 * its caches to where it takes videos, in seconds; the embedded model, with the database.
 */
export const MEASURED_START_SECONDS = 18;

/** What MixCache does to a video's time, as measured. */
export interface Caching {
  /** How many times less the denoiser takes. */
  readonly denoiser: number;
  /** The part of an uncached video that text encoder and decoder take, which is not cached. */
  readonly outside: number;
}

/**
 * Reads it from the committed results of `npm run bench:caching`: of the embedded model, on a CPU.
 * @param target MixCache's speed, one that was measured
 */
export async function measuredCaching(target: number): Promise<Caching> {
  const report = JSON.parse(await readFile(path.join(RESULTS, "report.json"), "utf8"));
  const row = report.rows.find(
    (one: { family: string; target?: number }) => one.family === "mixcache" && one.target === target,
  );
  if (!row) throw new Error(`There are no results of MixCache at ${target}×.`);
  const text = brotliDecompressSync(await readFile(path.join(RESULTS, "results.jsonl.br"))).toString();
  const shares = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ key }) => key.cache.policy === "off")
    .map(({ total_ms, denoise_ms }) => 1 - denoise_ms / total_ms);
  return { denoiser: row.speed.real, outside: quantile(shares, 0.5) };
}

/** A video's time with MixCache, in units of its time without. */
export function timeWith({ denoiser, outside }: Caching): number {
  return outside + (1 - outside) / denoiser;
}
