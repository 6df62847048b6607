/**
 * The engine's child process: loads a bundle, makes videos, one at a time. It lives as long as its parent holds the
 * channel. Signals of the terminal are the parent's to handle.
 */

import { readBundle } from "../engine/bundle/read.ts";
import { Pipeline } from "../engine/pipeline.ts";
import { OnnxBackend } from "../engine/segments/onnx.ts";
import { MixcacheError, messageOf } from "../errors.ts";
import { FolderFiles } from "./bundle-folder.ts";
import { openOnnxNode } from "./onnx-runtime.ts";
import type { EngineOptions, FromChild, ToChild, WireError } from "./protocol.ts";

let pipeline: Pipeline | undefined;
const running = new Map<number, AbortController>();

function send(message: FromChild): void {
  process.send?.(message);
}

function wire(error: unknown): WireError {
  if (error instanceof MixcacheError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.field !== undefined && { field: error.field }),
    };
  }
  return { code: "engine_failed", message: `The engine failed: ${messageOf(error)}` };
}

/** Tells the parent and leaves once the message is out. */
function die(error: unknown): void {
  process.send?.({ type: "fatal", error: wire(error) } satisfies FromChild, () => process.exit(70));
}

async function load(options: EngineOptions): Promise<void> {
  const files = new FolderFiles(options.bundle);
  const bundle = await readBundle(files);
  const backend = new OnnxBackend(bundle.manifest, await openOnnxNode(files, options));
  pipeline = await Pipeline.load(bundle, backend);
  const { name, device } = backend.capabilities;
  // performance.now() counts from the start of the process.
  const startMs = performance.now();
  send({
    type: "loaded",
    info: {
      manifest: bundle.manifest,
      digest: bundle.digest,
      backend: name,
      device,
      threads: options.threads,
      startMs,
    },
  });
}

async function generate({ id, request }: ToChild & { type: "generate" }): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    if (!pipeline)
      throw new MixcacheError("engine_failed", "The engine was asked for a video before it was loaded.");
    const { frames, trace, notices, settings } = await pipeline.generate(request, {
      signal: controller.signal,
      onProgress: (progress) => send({ type: "progress", id, progress }),
    });
    send({
      type: "result",
      id,
      result: {
        frames,
        trace,
        notices,
        settings: {
          seed: settings.seed,
          num_inference_steps: settings.steps,
          guidance_scale: settings.guidanceScale,
          scheduler: settings.scheduler.kind,
        },
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      },
    });
  } catch (error) {
    send({ type: "failed", id, error: wire(error) });
  } finally {
    running.delete(id);
  }
}

process.on("message", (message: ToChild) => {
  if (message.type === "load") load(message.options).catch(die);
  else if (message.type === "generate") void generate(message);
  else running.get(message.id)?.abort();
});
process.on("disconnect", () => process.exit(0));
process.on("uncaughtException", die);
process.on("unhandledRejection", die);
// Ctrl-C reaches the whole process group; the parent decides what it means.
process.on("SIGINT", () => {});
