/** What the engine is told, and who watches it. */

import path from "node:path";
import { type Environment, ofUser, readVariables, refuse } from "./environment.ts";
import type { Variables } from "./variables/index.ts";

/** What the torch engine needs. */
export interface TorchConfig {
  readonly python: string;
  readonly weights: string;
  readonly device?: string;
  readonly dtype?: "bfloat16" | "float16" | "float32";
  readonly compile: boolean;
  readonly offload: boolean;
}

/** The settings of an engine and of who watches it. */
export interface Config {
  /** Where ONNX Runtime computes. */
  readonly device: "cpu" | "cuda" | "webgpu";
  /** Threads of the engine; undefined: as many as the machine suggests. */
  readonly threads?: number;
  /** Where text embeddings are kept between runs, and how much room they get; undefined: they are not kept. */
  readonly embeddings?: { readonly folder: string; readonly maxBytes: number };
  /** Where the warm cache profiles made here are kept. */
  readonly profiles: string;
  /** One part of the model in memory at a time. */
  readonly lowMemory: boolean;
  /** Whether the terminal shows more than ASCII, as its locale says; Windows has none and does. */
  readonly unicode: boolean;
  /** Present where ENGINE is torch. */
  readonly torch?: TorchConfig;
}

/**
 * What the engine needs to know.
 * @throws MixcacheError `invalid_argument`, whose field is the variable
 */
export function readConfig(environment?: Environment): Config {
  return engineConfig(readVariables(environment));
}

/** The same of variables that were read. */
export function engineConfig({ ENGINE, ONNX_DEVICE, THREADS, LOW_MEMORY, ...rest }: Variables): Config {
  const embeddings = embeddingCache(rest);
  return {
    device: ONNX_DEVICE,
    ...(THREADS !== undefined && { threads: THREADS }),
    ...(embeddings && { embeddings }),
    profiles: path.resolve(
      rest.PROFILES ?? path.join(ofUser(rest.XDG_DATA_HOME, ".local/share"), "mixcache", "profiles"),
    ),
    lowMemory: LOW_MEMORY,
    unicode: process.platform === "win32" || /utf-?8/i.test(rest.LC_ALL ?? rest.LC_CTYPE ?? rest.LANG ?? ""),
    ...(ENGINE === "torch" && { torch: torchConfig(rest) }),
  };
}

function embeddingCache({
  EMBEDDING_CACHE,
  EMBEDDING_CACHE_MB,
  XDG_CACHE_HOME,
}: Pick<Variables, "EMBEDDING_CACHE" | "EMBEDDING_CACHE_MB" | "XDG_CACHE_HOME">): Config["embeddings"] {
  if (EMBEDDING_CACHE === "off" || EMBEDDING_CACHE_MB === 0) return undefined;
  const folder = EMBEDDING_CACHE ?? path.join(ofUser(XDG_CACHE_HOME, ".cache"), "mixcache", "embeddings");
  return { folder: path.resolve(folder), maxBytes: EMBEDDING_CACHE_MB * 1e6 };
}

type TorchVariables = Pick<Variables, Extract<keyof Variables, `TORCH_${string}`>>;

function torchConfig(given: TorchVariables): TorchConfig {
  if (given.TORCH_WEIGHTS === undefined) {
    refuse(
      "TORCH_WEIGHTS",
      "TORCH_WEIGHTS is not set. With ENGINE=torch it must be the diffusers folder that the bundle was made from.",
    );
  }
  return {
    python: given.TORCH_PYTHON,
    weights: given.TORCH_WEIGHTS,
    ...(given.TORCH_DEVICE !== undefined && { device: given.TORCH_DEVICE }),
    ...(given.TORCH_DTYPE !== undefined && { dtype: given.TORCH_DTYPE }),
    compile: given.TORCH_COMPILE,
    offload: given.TORCH_OFFLOAD,
  };
}
