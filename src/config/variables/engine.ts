/** How the engine computes, and where it keeps things; with the system's own variables that say where. */

import { z } from "zod";
import { docs, flag, oneOf, whole } from "./rules.ts";

/** The engine, its threads and its folders. */
export const engine = {
  ENGINE: oneOf("onnx", "torch").default("onnx").register(docs, {
    group: "engine",
    meaning:
      "`onnx`: the bundle's graphs in ONNX Runtime. `torch`: the same programs in PyTorch, in a [torch worker](segment-backend.md#the-torch-backend).",
  }),
  ONNX_DEVICE: oneOf("cpu", "cuda", "webgpu").default("cpu").register(docs, {
    group: "engine",
    meaning:
      "Where ONNX Runtime computes: `cpu`, `cuda` (its provider must be installed, as the [image](deploy/one-box.md#the-image) has it) or `webgpu`. With `ENGINE=torch` it is `TORCH_DEVICE`.",
  }),
  THREADS: whole(1, 256).optional().register(docs, {
    group: "engine",
    meaning: "CPU threads of the engine, 1 to 256.",
    otherwise: "all cores, at most 16",
  }),
  LOW_MEMORY: flag().register(docs, {
    group: "engine",
    meaning: "`1`: one part of the model in memory at a time. See [engine.md](engine.md#memory).",
  }),
  EMBEDDING_CACHE: z.string().optional().register(docs, {
    group: "engine",
    meaning:
      "The folder where text embeddings are kept between runs, or `off`. See [engine.md](engine.md#memory).",
    otherwise: "`mixcache/embeddings` in `XDG_CACHE_HOME`, else in `~/.cache`",
  }),
  EMBEDDING_CACHE_MB: z
    .string()
    .regex(/^\d{1,7}$/, "it must be a whole number of megabytes, at most 9999999")
    .transform(Number)
    .default(1024)
    .register(docs, { group: "engine", meaning: "The most that they may take, in megabytes. `0` is off." }),
  PROFILES: z.string().optional().register(docs, {
    group: "engine",
    meaning: "The folder of the warm cache profiles that were made here. See [profiles.md](profiles.md).",
    otherwise: "`mixcache/profiles` in `XDG_DATA_HOME`, else in `~/.local/share`",
  }),
  XDG_CACHE_HOME: z.string().optional(),
  XDG_DATA_HOME: z.string().optional(),
  LC_ALL: z.string().optional(),
  LC_CTYPE: z.string().optional(),
  LANG: z.string().optional().register(docs, {
    group: "engine",
    meaning: "The locale, after `LC_ALL` and `LC_CTYPE`: where it is UTF-8, progress has more than ASCII.",
    otherwise: "",
  }),
};
