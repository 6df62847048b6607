/**
 * The engine's child process: loads a bundle, makes videos, one at a time. It lives as long as its parent holds the
 * channel. Signals of the terminal are the parent's to handle.
 */

import { readBundle } from "../engine/bundle/read.ts";
import { measure } from "../engine/calibration/measure.ts";
import { outOfMemory, saysOutOfMemory } from "../engine/out-of-memory.ts";
import { Pipeline } from "../engine/pipeline.ts";
import type { RunHooks } from "../engine/progress.ts";
import { usedSettings } from "../engine/settings.ts";
import { MixcacheError, messageOf, toWire } from "../errors.ts";
import { FolderFiles } from "./bundle-folder.ts";
import { EmbeddingFolder } from "./embedding-cache.ts";
import { openBackend } from "./open-backend.ts";
import { profileFinder } from "./profiles.ts";
import type { EngineOptions, FromChild, ToChild } from "./protocol.ts";
import { SharedNegatives } from "./shared-negatives.ts";

let pipeline: Pipeline | undefined;
let hasWorker = false;
let negatives: SharedNegatives | undefined;
const running = new Map<number, AbortController>();

function send(message: FromChild): void {
  process.send?.(message);
}

function typed(error: unknown): MixcacheError {
  const known = error instanceof MixcacheError ? error : undefined;
  const text = messageOf(error);
  // A torch worker says itself whose memory was short, and what helps.
  if (!hasWorker && known?.code === "engine_out_of_memory") return outOfMemory(error);
  if (!known && saysOutOfMemory(text)) return outOfMemory(error);
  return known ?? new MixcacheError("engine_failed", `The engine failed: ${text}`, { cause: error });
}

/** Tells the parent and leaves once the message is out. */
function die(error: unknown): void {
  process.send?.({ type: "fatal", error: toWire(typed(error)) } satisfies FromChild, () => process.exit(70));
}

async function load(options: EngineOptions): Promise<void> {
  hasWorker = options.torch !== undefined;
  const files = new FolderFiles(options.bundle);
  const signOfLife = () => send({ type: "loading" });
  const bundle = await readBundle(files, signOfLife);
  const { backend, device, details, numerics } = await openBackend(
    bundle.manifest,
    files,
    options,
    signOfLife,
  );
  const { embeddings: place, lowMemory = false } = options;
  const embeddings = place && new EmbeddingFolder({ ...place, engine: numerics });
  if (embeddings && options.sharesNegatives) negatives = new SharedNegatives(embeddings, send);
  pipeline = await Pipeline.load(bundle, backend, {
    lowMemory,
    profiles: profileFinder(options),
    ...(embeddings && { embeddings: negatives ?? embeddings }),
  });
  // performance.now() counts from the start of the process.
  const startMs = performance.now();
  send({
    type: "loaded",
    info: {
      manifest: bundle.manifest,
      digest: bundle.digest,
      backend: backend.capabilities.name,
      device,
      ...(details !== undefined && { details }),
      threads: options.threads,
      startMs,
    },
  });
}

async function generate({ id, request, previewEvery }: ToChild & { type: "generate" }): Promise<void> {
  await answer(id, async (engine, hooks) => {
    const { frames, trace, notices, settings } = await engine.generate(request, {
      ...hooks,
      ...(previewEvery !== undefined && { previewEvery }),
    });
    return {
      type: "result",
      id,
      result: {
        frames,
        trace,
        notices,
        settings: usedSettings(settings),
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      },
    };
  });
}

async function measurePrompt({ id, request, options }: ToChild & { type: "measure" }): Promise<void> {
  await answer(id, async (engine, hooks) => {
    const onFraction = (fraction: number) => hooks.onProgress({ phase: "measure", fraction });
    const result = await engine.study(request, (subject) => measure(subject, options, onFraction), hooks);
    return { type: "measured", id, result };
  });
}

/** Does one piece of work that can be aborted, and sends what comes of it. */
async function answer(
  id: number,
  work: (engine: Pipeline, hooks: Required<Pick<RunHooks, "signal" | "onProgress">>) => Promise<FromChild>,
): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  negatives?.begin();
  try {
    if (!pipeline)
      throw new MixcacheError("engine_failed", "The engine was asked for a video before it was loaded.");
    send(
      await work(pipeline, {
        signal: controller.signal,
        onProgress: (progress) => send({ type: "progress", id, progress }),
      }),
    );
  } catch (error) {
    send({ type: "failed", id, error: toWire(typed(error)) });
  } finally {
    running.delete(id);
  }
}

process.on("message", (message: ToChild) => {
  if (message.type === "load") load(message.options).catch(die);
  else if (message.type === "generate") void generate(message);
  else if (message.type === "measure") void measurePrompt(message);
  else if (message.type === "negative") negatives?.answer(message.name, message.bytes);
  else running.get(message.id)?.abort();
});
process.on("disconnect", () => process.exit(0));
process.on("uncaughtException", die);
process.on("unhandledRejection", die);
// Ctrl-C reaches the whole process group, and a service manager's SIGTERM every process of the service; the parent
// decides what they mean.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
