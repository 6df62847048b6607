/** Videos from the engine in this browser. Loaded when the first one is made. */

import type { WebEngine } from "../../browser/engine.ts";
import type { Progress } from "../../engine/progress.ts";
import { traceRecord } from "../../engine/trace-record.ts";
import { MixcacheError, messageOf } from "../../errors.ts";
import type { WebModule } from "../engine/browser-engine.ts";
import type { StoredVideo } from "../history/stored-video.ts";
import type { VideoRequest } from "../settings/draft.ts";
import type { Generator, Tell } from "./generator.ts";
import type { MadeVideo } from "./made-video.ts";

export interface BrowserGeneratorOptions {
  readonly module: WebModule;
  /** The folder of the model. */
  readonly bundle: URL;
  readonly save: (video: StoredVideo) => Promise<void>;
  readonly newId: () => string;
  readonly nowMs: () => number;
  /** Steps between two previews. */
  readonly previewEvery: number;
}

/** Where the parts of a video begin, as shares of the whole; roughly how long they take. */
const STEPS_FROM = 0.02;
const DECODE_FROM = 0.92;
const ENCODE_FROM = 0.98;

export class BrowserGenerator implements Generator {
  readonly place = "browser";
  readonly #options: BrowserGeneratorOptions;
  #engine: WebEngine | undefined;

  constructor(options: BrowserGeneratorOptions) {
    this.#options = options;
  }

  async generate(request: VideoRequest, tell: Tell, signal: AbortSignal): Promise<MadeVideo> {
    const { newId, nowMs, previewEvery, save } = this.#options;
    const engine = await this.#open(tell, signal);
    for (const sentence of engine.info.notices) tell({ is: "notice", sentence });
    const startedMs = nowMs();
    tell({ is: "started" });
    const onProgress = (progress: Progress) => tellProgress(progress, nowMs() - startedMs, tell);
    const made = engine.generate(
      { ...request, seed: BigInt(request.seed) },
      { signal, onProgress, previewEvery },
    );
    const lost = engine.lost.then((error) => Promise.reject(error));
    const result = await Promise.race([made, lost]);
    for (const sentence of result.notices) tell({ is: "notice", sentence });
    tell({ is: "progress", phase: "encode", share: ENCODE_FROM });
    const { fps } = engine.info.manifest.video.default;
    const file = await this.#encode(result.frames, fps, tell);
    const stored = storedVideo(engine.info, result, { id: newId(), createdAtMs: nowMs(), fps });
    await save({ ...stored, frames: result.frames, file }).catch((error: unknown) => {
      const sentence = `The video could not be kept in this browser: ${messageOf(error)}. Download it before you leave.`;
      tell({ is: "notice", sentence });
    });
    return stored.video;
  }

  /** One engine serves all videos until it is lost. */
  async #open(tell: Tell, signal: AbortSignal): Promise<WebEngine> {
    if (this.#engine) return this.#engine;
    const { module, bundle } = this.#options;
    const onDownload: NonNullable<Parameters<WebModule["openEngine"]>[0]["onDownload"]> = (progress) =>
      tell({ is: "download", ...progress });
    const engine = await module.openEngine({ bundle, onDownload, signal });
    this.#engine = engine;
    void engine.lost.then(() => {
      this.#engine = undefined;
    });
    return engine;
  }

  /** A browser that can't write the file still has the frames, which the page can play. */
  async #encode(
    frames: Parameters<WebModule["encodeVideo"]>[0],
    fps: number,
    tell: Tell,
  ): Promise<Blob | undefined> {
    try {
      return await this.#options.module.encodeVideo(frames, { fps });
    } catch (error) {
      tell({ is: "notice", sentence: `There is no file to download: ${messageOf(error)}` });
      return undefined;
    }
  }
}

function tellProgress(progress: Progress, elapsedMs: number, tell: Tell): void {
  switch (progress.phase) {
    case "text":
      tell({ is: "progress", phase: "text", share: 0 });
      return;
    case "decode": {
      const share = DECODE_FROM + (ENCODE_FROM - DECODE_FROM) * progress.fraction;
      tell({ is: "progress", phase: "decode", share });
      return;
    }
    case "preview":
      tell({ is: "preview", index: progress.step + 1, picture: progress.frame });
      return;
    case "denoise": {
      const { step, steps, fraction, finished } = progress;
      const secondsLeft = fraction > 0.02 ? ((elapsedMs / fraction) * (1 - fraction)) / 1000 : undefined;
      tell({
        is: "progress",
        phase: "denoise",
        share: STEPS_FROM + (DECODE_FROM - STEPS_FROM) * fraction,
        step: step + 1,
        steps,
        ...(secondsLeft !== undefined && { secondsLeft }),
      });
      if (!finished) return;
      const { mode, flops, fullFlops } = finished;
      tell({ is: "step", step: { index: step, mode, flops, full_flops: fullFlops } });
      return;
    }
    case "measure":
      throw new MixcacheError("engine_failed", "The engine calibrates, where it was asked for a video.");
  }
}

function storedVideo(
  { manifest, digest, device, adapter }: WebEngine["info"],
  { trace, settings, frames }: Awaited<ReturnType<WebEngine["generate"]>>,
  { id, createdAtMs, fps }: Pick<MadeVideo, "id" | "createdAtMs" | "fps">,
): Pick<StoredVideo, "video" | "trace"> {
  const about = {
    bundle: { id: manifest.id, digest },
    engine: { backend: "onnx", device, ...(adapter !== undefined && { details: adapter }), threads: 1 },
    settings,
  };
  const file = traceRecord(trace, about, settings.cache);
  const video: MadeVideo = {
    id,
    place: "browser",
    createdAtMs,
    status: "completed",
    failure: undefined,
    prompt: settings.prompt,
    negativePrompt: settings.negative_prompt,
    seed: settings.seed.toString(),
    steps: settings.num_inference_steps,
    guidance: settings.guidance_scale,
    cache: file.cache,
    width: frames.width,
    height: frames.height,
    frames: frames.count,
    fps,
    engineSeconds: trace.totalMs / 1000,
    cost: undefined,
  };
  return { video, trace: file };
}
