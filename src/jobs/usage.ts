/**
 * The record of an attempt: what was really computed, stored beside the video as `trace.json`, and all that its bill is
 * made of. A run that was stopped has one too, with the steps that it finished.
 */

import { z } from "zod";
import { traceSchema } from "../engine/trace-schema.ts";
import { invalid } from "../errors.ts";
import type { Usage } from "./money-contract.ts";

export const RECORD_FORMAT = "mixcache.record/1";

const flops = z
  .number()
  .nonnegative()
  .describe("computed, by the bundle's manifest; what was reused is not in it");
const graphs = z.array(z.strictObject({ graph: z.string(), flops, duration_ms: z.number() }));

export const recordSchema = z.strictObject({
  format: z.literal(RECORD_FORMAT),
  video: z.string(),
  attempt: z.int().positive(),
  outcome: z.enum(["completed", "cancelled", "deadline_exceeded"]),
  bundle: z.strictObject({ id: z.string(), digest: z.string() }),
  computed: z.strictObject({
    text: graphs.describe("text encoders that ran; texts known from before are not among them"),
    steps: z
      .array(
        z.strictObject({
          index: z.int().nonnegative(),
          mode: z.string().describe("the policy's word: full, step, cfg, block, …"),
          flops,
          full_flops: z.number().nonnegative().describe("of the same step with nothing reused"),
        }),
      )
      .describe("that were finished"),
    decode: graphs,
  }),
  engine_ms: z.int().nonnegative().describe("how long the engine was busy"),
  video_ms: z.int().nonnegative().describe("length of the video; 0 where none came out"),
  trace: traceSchema
    .nullable()
    .describe("of a run that was finished, as `mixcache generate --trace` writes it"),
});

export type AttemptRecord = z.infer<typeof recordSchema>;

/** What was used, to be billed: every graph's and step's FLOPs, each rounded to whole ones. */
export function usageOf({ computed, engine_ms, video_ms }: AttemptRecord): Usage {
  const all = [...computed.text, ...computed.steps, ...computed.decode];
  return {
    // Beyond 2^53 a sum of numbers would depend on their order.
    flops: all.reduce((sum, part) => sum + BigInt(Math.round(part.flops)), 0n),
    engineMs: BigInt(engine_ms),
    videoMs: BigInt(video_ms),
  };
}

/** The length of a video in whole milliseconds. */
export function videoMsOf(frames: number, fps: number): number {
  return Math.round((frames * 1000) / fps);
}

/** @throws MixcacheError `invalid_argument` that names the file and what is wrong with it */
export function readRecord(text: string, file: string): AttemptRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    invalid("record", `The record ${file} is cut off or is no JSON. Load it from the server again.`);
  }
  const parsed = recordSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join(".") || "at its top";
  return invalid(
    "record",
    `${file} is no record of the format ${RECORD_FORMAT} (${where}: ${issue?.message}). Load it from the server again.`,
  );
}
