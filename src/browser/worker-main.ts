/** The engine's worker: opens a bundle, makes videos, one at a time. It ends with its page, or when it is terminated. */

import { config } from "zod";
import { saysOutOfMemory } from "../engine/out-of-memory.ts";
import { Pipeline } from "../engine/pipeline.ts";
import { OnnxBackend } from "../engine/segments/onnx.ts";
import { usedSettings } from "../engine/settings.ts";
import { MixcacheError, messageOf, toWire } from "../errors.ts";
import { BundleCache } from "./bundle-cache.ts";
import { openOnnxWeb, outOfMemoryHere } from "./onnx-runtime.ts";
import { openBundle } from "./open-bundle.ts";
import { profileFinder } from "./profiles.ts";
import type { FromWorker, OpenMessage, ToWorker } from "./protocol.ts";

// A strict content security policy forbids code made of text, and reports that zod tries.
config({ jitless: true });

let pipeline: Pipeline | undefined;
const running = new Map<number, AbortController>();

function send(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

function lost(error: unknown): void {
  send({ type: "lost", error: toWire(typed(error)) });
}

/** Memory that ran out may show as any failure; after it, and after an abort of WebAssembly, nothing works any more. */
function typed(error: unknown): MixcacheError {
  const text = messageOf(error);
  const known = error instanceof MixcacheError ? error : undefined;
  if (known?.code === "engine_out_of_memory" || (!known && saysOutOfMemory(text)))
    return outOfMemoryHere(error);
  if (/\bAborted\(|unreachable|out of bounds|null function/.test(text) && known?.code !== "engine_crashed") {
    return new MixcacheError("engine_crashed", `The engine broke (${text}). Open the engine again.`, {
      cause: error,
    });
  }
  return known ?? new MixcacheError("engine_failed", `The engine failed: ${text}`, { cause: error });
}

async function open({ bundle: address, profiles, device, runtime }: OpenMessage): Promise<void> {
  const folder = new URL(address);
  const cache = await BundleCache.open(folder);
  const bundle = await openBundle(folder, cache, (progress) => send({ type: "download", progress }));
  const opened = await openOnnxWeb(bundle, {
    device,
    onLost: lost,
    ...(runtime !== undefined && { runtime: new URL(runtime) }),
  });
  const backend = new OnnxBackend(bundle.manifest, opened.runtime);
  pipeline = await Pipeline.load(bundle, backend, { profiles: profileFinder(new URL(profiles), cache) });
  const notices = [...opened.notices, ...(cache?.notice === undefined ? [] : [cache.notice])];
  const { manifest, digest } = bundle;
  const { adapter } = opened;
  send({
    type: "opened",
    info: { manifest, digest, device: opened.device, ...(adapter !== undefined && { adapter }), notices },
  });
}

async function generate({ id, request, previewEvery }: ToWorker & { type: "generate" }): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    if (!pipeline)
      throw new MixcacheError("engine_failed", "The engine was asked for a video before it was opened.");
    const { frames, trace, settings, notices } = await pipeline.generate(request, {
      signal: controller.signal,
      ...(previewEvery !== undefined && { previewEvery }),
      onProgress: (progress) => {
        const pixels = progress.phase === "preview" ? [progress.frame.data.buffer as ArrayBuffer] : [];
        send({ type: "progress", id, progress }, pixels);
      },
    });
    send({ type: "result", id, result: { frames, trace, settings: usedSettings(settings), notices } }, [
      frames.data.buffer as ArrayBuffer,
    ]);
  } catch (cause) {
    const error = typed(cause);
    send({ type: "failed", id, error: toWire(error) });
    if (error.code === "engine_crashed" || error.code === "engine_out_of_memory") lost(error);
  } finally {
    running.delete(id);
  }
}

self.addEventListener("message", ({ data: message }: MessageEvent<ToWorker>) => {
  if (message.type === "open") open(message).catch(lost);
  else if (message.type === "generate") void generate(message);
  else running.get(message.id)?.abort();
});
self.addEventListener("unhandledrejection", ({ reason }) => lost(reason));
