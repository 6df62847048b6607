/** Random weights and their bundle, made by the exporter as for any model. */

import { existsSync } from "node:fs";
import path from "node:path";
import { pythonEnvironment } from "../../scripts/python/environment.ts";
import { run } from "../../scripts/python/process.ts";
import type { Job } from "./contestant.ts";

export interface Size {
  readonly heads: number;
  readonly headDim: number;
  readonly layers: number;
  readonly ffn: number;
  readonly cuts: string;
  readonly textTokens: number;
  /** As the exporter names them. */
  readonly variants: string;
}

const TIMEOUT_MS = 60 * 60_000;

/** A diffusers folder and a bundle in `work`; what lies there already is used. */
export async function makeBundle(
  python: string,
  work: string,
  size: Size & Job,
): Promise<{ readonly weights: string; readonly bundle: string }> {
  const [weights, bundle] = [path.join(work, "weights"), path.join(work, "bundle")];
  const { heads, headDim, layers, ffn, cuts, textTokens, variants } = size;
  const random = path.join(import.meta.dirname, "random_wan.py");
  const shape = Object.entries({ heads, "head-dim": headDim, layers, ffn }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
  if (!existsSync(path.join(weights, "model_index.json"))) await must(python, [random, weights, ...shape]);
  if (!existsSync(path.join(bundle, "model.json"))) {
    await must(python, [
      ...["-m", "mixcache_export", "wan", weights, "--output", bundle, "--cuts", cuts],
      ...["--text-tokens", String(textTokens), "--variants", variants, "--license", "none"],
      ...["--width", String(size.width), "--height", String(size.height), "--frames", String(size.frames)],
    ]);
  }
  return { weights, bundle };
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const { code, tail } = await run(command, args, { env: pythonEnvironment(), timeoutMs: TIMEOUT_MS });
  if (code !== 0) throw new Error(`"${[command, ...args].join(" ")}" failed:\n${tail}`);
}
