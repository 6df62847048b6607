/** The record of an attempt, made of what the engine told. Its format, and what is billed by it, is the jobs' affair. */

import { stepMode } from "../engine/trace.ts";
import { traceFile } from "../engine/trace-file.ts";
import type { TraceFile } from "../engine/trace-schema.ts";
import { type AttemptRecord, RECORD_FORMAT, type VideoRequest, videoMsOf } from "../jobs/index.ts";
import type { EngineInfo, EngineResult } from "../node/index.ts";

/** A step as the engine reported it. */
export type FinishedStep = AttemptRecord["computed"]["steps"][number];

/** Whose record it is. */
interface Made {
  readonly attempt: number;
  readonly video: { readonly id: string; readonly request: Pick<VideoRequest, "fps"> };
}

/** The record of a run that was finished. */
export function recordOfResult(
  { video, attempt }: Made,
  info: EngineInfo,
  result: EngineResult,
): AttemptRecord {
  const { trace, frames } = result;
  const graphOf = ({ id, flops: of, durationMs }: (typeof trace.text)[number]) => ({
    graph: id,
    flops: of,
    duration_ms: durationMs,
  });
  return {
    ...head(video.id, attempt, info),
    outcome: "completed",
    computed: {
      text: trace.text.map(graphOf),
      steps: trace.steps.map((step) => ({
        index: step.index,
        mode: stepMode(step),
        flops: step.flops,
        full_flops: step.fullFlops,
      })),
      decode: trace.decode.map(graphOf),
    },
    engine_ms: Math.round(trace.totalMs),
    video_ms: videoMsOf(frames.count, video.request.fps),
    trace: fileOf(info, result),
  };
}

/** The record of a run that was stopped: of it only the steps are known that were finished. */
export function recordOfStopped(
  { video, attempt }: Made,
  info: EngineInfo,
  stopped: {
    readonly outcome: "cancelled" | "deadline_exceeded";
    readonly steps: readonly FinishedStep[];
    readonly engineMs: number;
  },
): AttemptRecord {
  return {
    ...head(video.id, attempt, info),
    outcome: stopped.outcome,
    computed: { text: [], steps: [...stopped.steps], decode: [] },
    engine_ms: Math.round(stopped.engineMs),
    video_ms: 0,
    trace: null,
  };
}

function head(video: string, attempt: number, { manifest, digest }: EngineInfo) {
  return { format: RECORD_FORMAT, video, attempt, bundle: { id: manifest.id, digest } } as const;
}

function fileOf(info: EngineInfo, { trace, settings }: EngineResult): TraceFile {
  const { manifest, digest, backend, device, details, threads } = info;
  return traceFile(trace, {
    bundle: { id: manifest.id, digest },
    engine: { backend, device, ...(details !== undefined && { details }), threads },
    settings,
  });
}
