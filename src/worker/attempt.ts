/** One attempt at a video: the engine, then the files. Says how it ended; settling is the worker's. */

import type { GenerateRequest } from "../engine/settings.ts";
import { type ErrorCode, MixcacheError } from "../errors.ts";
import {
  type AttemptRecord,
  type Outcome,
  type Taken,
  type Usage,
  usageOf,
  type VideoRequest,
} from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import type { Moderate } from "../moderation.ts";
import type { EngineInfo, EngineResult, Progress } from "../node/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import { inSpan } from "../telemetry/index.ts";
import type { WorkerEngine } from "./engine.ts";
import { AttemptPreviews } from "./previews.ts";
import { decisionOf, ENCODING, ProgressNotes } from "./progress.ts";
import { recordOfResult, recordOfStopped } from "./record.ts";
import { storeRecord, storeResult } from "./results.ts";
import type { Timers } from "./timers.ts";
import type { Warmth } from "./warmth.ts";
import type { Watch } from "./watch.ts";

export interface AttemptParts {
  readonly engine: WorkerEngine;
  readonly store: ObjectStore;
  readonly timers: Timers;
  readonly log: Log;
  /** A preview every so many steps, where the request says nothing; 0 or undefined: none. */
  readonly previewEverySteps?: number;
  /** Asked with the frames before anything is stored, so there are no previews; undefined: nothing is moderated. */
  readonly moderate?: Moderate;
  /** What makes later workers warm. */
  readonly warmth?: Warmth;
}

/** What is to be done with the attempt: settle it, hand it back, or nothing, because it is somebody else's. */
export type Ending = Outcome | { readonly kind: "hand_back" } | { readonly kind: "lost" };

/** How far an attempt has come. */
interface Run {
  readonly taken: Taken;
  readonly notes: ProgressNotes;
  readonly previews: AttemptPreviews;
  /** When the engine began. */
  startedMs: number;
  info?: EngineInfo;
  result?: EngineResult;
}

/** Runs an attempt to its end. Never throws: whatever fails is an ending. */
export async function runAttempt(parts: AttemptParts, taken: Taken, watch: Watch): Promise<Ending> {
  const startedMs = parts.timers.nowMs();
  const previews = new AttemptPreviews({ ...parts, taken, watch });
  const run: Run = { taken, startedMs, previews, notes: new ProgressNotes(startedMs) };
  try {
    run.info = await parts.engine.info();
    checkModel(taken.video.request, run.info);
    const request = requestOf(taken.video.request);
    await parts.warmth?.prepare({ info: run.info, request, account: taken.video.accountId }, watch.signal);
    // Waiting for a store is not the caller's to pay.
    run.startedMs = parts.timers.nowMs();
    run.result = await inSpan("engine.generate", {}, () =>
      parts.engine.generate(request, {
        signal: watch.signal,
        onProgress: (progress: Progress) => hear(run, watch, progress, parts.timers.nowMs()),
        previewEvery: previewEvery(parts, taken.video.request),
      }),
    );
    await previews.done();
    // That this process is to end is no reason to throw away what is made; the worker sees to its own time.
    if (watch.verdict !== undefined && watch.verdict !== "stop") return await stopped(parts, run, watch);
    watch.report(ENCODING);
    const { info, result } = run;
    await moderated(parts, taken, result);
    return await waitingForStore(parts, watch, () => completed(parts, taken, info, result));
  } catch (error) {
    return watch.verdict === undefined ? failed(parts, run, error) : stopped(parts, run, watch);
  }
}

/** Steps from one preview to the next; 0: none, as where a hook waits for the whole video. */
function previewEvery({ moderate, previewEverySteps = 0 }: AttemptParts, { previews }: VideoRequest): number {
  return moderate ? 0 : (previews ?? previewEverySteps);
}

/** @throws MixcacheError `moderation_refused`, `moderation_failed` */
async function moderated(
  { moderate }: AttemptParts,
  { video }: Taken,
  { frames }: EngineResult,
): Promise<void> {
  const { prompt, model } = video.request;
  const { width, height, count, data } = frames;
  await moderate?.({ kind: "frames", width, height, count, data, prompt, model });
}

/** A store that refuses is tried again so often before the attempt has failed; it takes half a minute in all. */
const STORE_TRIES = 6;
const FIRST_PAUSE_MS = 1000;
const OF_THE_STORE: readonly string[] = ["storage_full", "storage_failed", "storage_digest_mismatch"];

/** What was computed is not thrown away for a disk that is full for a moment. */
async function waitingForStore<T>(
  { timers, log }: AttemptParts,
  { signal }: Watch,
  work: () => Promise<T>,
): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await work();
    } catch (error) {
      const isOfStore = error instanceof MixcacheError && OF_THE_STORE.includes(error.code);
      if (!isOfStore || count === STORE_TRIES || signal.aborted) throw error;
      log.warn({ error }, "storing is tried again");
      await timers.wait(FIRST_PAUSE_MS * 2 ** (count - 1), signal);
    }
  }
}

function hear({ notes, previews }: Run, watch: Watch, progress: Progress, nowMs: number): void {
  if (progress.phase === "preview") {
    previews.add(progress);
    return;
  }
  watch.report(notes.add(progress, nowMs));
  const step = notes.steps.at(-1);
  if (progress.phase === "denoise" && progress.finished && step) watch.note(decisionOf(step));
}

async function completed(
  { store, warmth }: AttemptParts,
  taken: Taken,
  info: EngineInfo,
  result: EngineResult,
): Promise<Outcome> {
  const record = recordOfResult(taken, info, result);
  const stored = await inSpan("video.store", { kind: "client" }, () =>
    storeResult(store, taken, result.frames, record),
  );
  warmth?.completed(info, result);
  return { kind: "completed", result: stored, usage: usageOf(record), report: reportOf(record, result) };
}

/** What is shown with the video. */
function reportOf({ trace, bundle }: AttemptRecord, { notices, settings, peakMemoryBytes }: EngineResult) {
  return {
    policy: settings.cache.policy,
    speedup: rounded(trace?.totals.ideal_speedup),
    modes: trace?.totals.modes ?? {},
    notices,
    peak_memory_bytes: peakMemoryBytes,
    bundle_digest: bundle.digest,
  };
}

function rounded(value = 1): number {
  return Math.round(value * 1000) / 1000;
}

const NOTHING: Usage = { flops: 0n, engineMs: 0n, videoMs: 0n };

/** What was computed until then is billed by its record; what has none is not, as nobody could check it. */
async function stopped(parts: AttemptParts, run: Run, { verdict }: Watch): Promise<Ending> {
  if (verdict === "stop") return { kind: "hand_back" };
  if (verdict === "lost" || verdict === undefined) return { kind: "lost" };
  const kind: "cancelled" | "deadline_exceeded" = verdict === "cancel" ? "cancelled" : "deadline_exceeded";
  const { taken, info, result, notes } = run;
  if (!info) return { kind, usage: NOTHING };
  const engineMs = Math.max(0, parts.timers.nowMs() - run.startedMs - run.previews.spentMs);
  const record = result
    ? { ...recordOfResult(taken, info, result), outcome: kind, video_ms: 0 }
    : recordOfStopped(taken, info, { outcome: kind, steps: notes.steps, engineMs });
  const trace = await storeRecord(parts.store, taken, record).catch((error: unknown) => {
    parts.log.error({ video: taken.video.id, error }, "the record of a stopped video could not be stored");
    return undefined;
  });
  return trace ? { kind, usage: usageOf(record), trace } : { kind, usage: NOTHING };
}

/** What another attempt would only fail at again. */
const FINAL: readonly ErrorCode[] = [
  "invalid_argument",
  "bundle_unsupported",
  "profile_missing",
  "profile_invalid",
  "profile_mismatch",
  "engine_out_of_memory",
  "media_codec_missing",
  "media_encode_failed",
  "moderation_refused",
  "moderation_failed",
];

function failed({ log }: AttemptParts, { taken }: Run, error: unknown): Outcome {
  const known = error instanceof MixcacheError ? error : undefined;
  log.error({ video: taken.video.id, attempt: taken.attempt, error }, "an attempt failed");
  return {
    kind: "failed",
    error: {
      code: known?.code ?? "engine_failed",
      message: known?.message ?? "The worker failed in a way that it doesn't know. Try again.",
    },
    retry: !known || !FINAL.includes(known.code),
  };
}

/** A worker serves one model; the queue doesn't know models. */
function checkModel({ model }: VideoRequest, { manifest }: EngineInfo): void {
  if (model !== manifest.id)
    throw new MixcacheError(
      "bundle_unsupported",
      `The video wants the model ${model}, and the worker that took it has ${manifest.id}. Ask for ${manifest.id}.`,
    );
}

/** The request in the engine's words. */
function requestOf(request: VideoRequest): GenerateRequest {
  const { prompt, negative_prompt, width, height, num_frames, num_inference_steps, cache } = request;
  const { guidance_scale, guidance_scale_2 } = request;
  return {
    prompt,
    negative_prompt,
    width,
    height,
    num_frames,
    num_inference_steps,
    guidance_scale,
    ...(guidance_scale_2 !== undefined && { guidance_scale_2 }),
    cache,
    seed: BigInt(request.seed),
  };
}
