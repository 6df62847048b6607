/** A run's trace as a file: for timelines, bills and benchmarks, and enough to replay every decision. */

import { invalid } from "../errors.ts";
import { fullRequest } from "./cache/policies.ts";
import type { GenerateRequest } from "./settings.ts";
import { type RunTrace, TRACE_FORMAT } from "./trace.ts";
import { type TraceAbout, traceRecord } from "./trace-record.ts";
import { type TraceFile, traceSchema } from "./trace-schema.ts";

/** The file of a run whose policy was made of its request. */
export function traceFile(trace: RunTrace, about: TraceAbout): TraceFile {
  return traceRecord(trace, about, fullRequest(about.settings.cache));
}

/** The request that makes the same video again. */
export function requestOfTrace({ settings, cache }: TraceFile): GenerateRequest {
  const { seed, guidance_scales, ...rest } = settings;
  const [, second] = Object.values(guidance_scales);
  return { ...rest, seed: BigInt(seed), ...(second !== undefined && { guidance_scale_2: second }), cache };
}

/** @throws MixcacheError `invalid_argument` that names the file and what is wrong with it */
export function readTrace(text: string, file: string): TraceFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    invalid("trace", `The trace ${file} is cut off or is no JSON. Make it anew by --trace.`);
  }
  const parsed = traceSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join(".") || "at its top";
  return invalid(
    "trace",
    `${file} is no trace of the format ${TRACE_FORMAT} (${where}: ${issue?.message}). Make it anew by --trace.`,
  );
}
