/**
 * The environment, read here and nowhere else. A variable that is empty counts as one that is not set; a wrong value
 * is one sentence that names the variable.
 */

import { homedir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { MixcacheError } from "./errors.ts";

const YES = ["1", "true", "yes"];
const NO = ["0", "false", "no"];

const flag = z
  .enum([...YES, ...NO], "it must be 1 or 0")
  .transform((text) => YES.includes(text))
  .default(false);

const words = (...known: [string, ...string[]]) =>
  `it must be ${known.slice(0, -1).join(", ")} or ${known.at(-1)}`;

/** Every variable with its rule; docs/configuration.md has the same list. */
const variables = z.object({
  ENGINE: z.enum(["onnx", "torch"], words("onnx", "torch")).default("onnx"),
  THREADS: z
    .string()
    .regex(/^\d{1,3}$/, "it must be a whole number from 1 to 256")
    .transform(Number)
    .refine((count) => count >= 1 && count <= 256, "it must be a whole number from 1 to 256")
    .optional(),
  LOW_MEMORY: flag,
  EMBEDDING_CACHE: z.string().optional(),
  EMBEDDING_CACHE_MB: z
    .string()
    .regex(/^\d{1,7}$/, "it must be a whole number of megabytes, at most 9999999")
    .transform(Number)
    .default(1024),
  XDG_CACHE_HOME: z.string().optional(),
  LC_ALL: z.string().optional(),
  LC_CTYPE: z.string().optional(),
  LANG: z.string().optional(),
  PROFILES: z.string().optional(),
  XDG_DATA_HOME: z.string().optional(),
  TORCH_PYTHON: z.string().default("python3"),
  TORCH_WEIGHTS: z.string().optional(),
  TORCH_DEVICE: z
    .string()
    .regex(/^(cpu|mps|cuda(:\d{1,2})?)$/, "it must be cuda, cuda:1 (or another number), mps or cpu")
    .optional(),
  TORCH_DTYPE: z.enum(["bfloat16", "float16", "float32"], words("bfloat16", "float16", "float32")).optional(),
  TORCH_COMPILE: flag,
  TORCH_OFFLOAD: flag,
});

/** What the torch engine needs. */
export interface TorchConfig {
  readonly python: string;
  readonly weights: string;
  readonly device?: string;
  readonly dtype?: "bfloat16" | "float16" | "float32";
  readonly compile: boolean;
  readonly offload: boolean;
}

/** The settings of a process. */
export interface Config {
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

/** @throws MixcacheError `invalid_argument`, whose field is the variable */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const given = Object.fromEntries(
    Object.keys(variables.shape).map((name) => [name, environment[name] || undefined]),
  );
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const name = String(issue?.path[0]);
    refuse(name, `${name} is “${given[name]}”; ${issue?.message}.`);
  }
  const { ENGINE, THREADS, LOW_MEMORY, ...rest } = parsed.data;
  const embeddings = embeddingCache(rest);
  return {
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

type Variables = z.infer<typeof variables>;

function embeddingCache({
  EMBEDDING_CACHE,
  EMBEDDING_CACHE_MB,
  XDG_CACHE_HOME,
}: Pick<Variables, "EMBEDDING_CACHE" | "EMBEDDING_CACHE_MB" | "XDG_CACHE_HOME">): Config["embeddings"] {
  if (EMBEDDING_CACHE === "off" || EMBEDDING_CACHE_MB === 0) return undefined;
  const folder = EMBEDDING_CACHE ?? path.join(ofUser(XDG_CACHE_HOME, ".cache"), "mixcache", "embeddings");
  return { folder: path.resolve(folder), maxBytes: EMBEDDING_CACHE_MB * 1e6 };
}

/** A folder of the user's, as the XDG base directory specification has it: a relative path there counts as none. */
function ofUser(given: string | undefined, otherwise: string): string {
  return given !== undefined && path.isAbsolute(given) ? given : path.join(homedir(), otherwise);
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

function refuse(variable: string, sentence: string): never {
  throw new MixcacheError("invalid_argument", sentence, { field: variable });
}
