/** A video as the API shows it: OpenAI's fields, and mixcache's beside them. */

import { z } from "zod";

const unixSeconds = z.int();
const amount = z
  .string()
  .meta({ description: "Decimal, in units of the currency; exact.", example: "0.001234" });

/** The object of OpenAI's Videos API with additional fields. */
export const videoSchema = z.object({
  id: z.string().meta({ example: "video_a01K7Q9P6VQ0Z5W8N3B4C2D1E0F" }),
  object: z.literal("video"),
  model: z.string(),
  status: z.enum(["queued", "in_progress", "completed", "failed"]),
  progress: z.int().meta({ description: "Percent." }),
  created_at: unixSeconds,
  started_at: unixSeconds.nullable(),
  completed_at: unixSeconds.nullable(),
  expires_at: unixSeconds.nullable(),
  prompt: z.string(),
  remixed_from_video_id: z.string().nullable().meta({ description: "The video whose settings it has." }),
  seconds: z.string(),
  size: z.string(),
  error: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .meta({ description: "Why it failed. A cancelled video is `failed` with the code `cancelled`." }),
  negative_prompt: z.string(),
  seed: z.union([z.int(), z.string()]).meta({ description: "Above 2^53 − 1 a string." }),
  num_inference_steps: z.int(),
  guidance_scale: z.number(),
  num_frames: z.int(),
  fps: z.number(),
  output_format: z.enum(["mp4", "webp"]),
  metadata: z.record(z.string(), z.string()),
  deadline_at: unixSeconds.nullable(),
  queue_position: z
    .int()
    .nullable()
    .meta({ description: "How many start before it; null unless it is queued." }),
  eta_seconds: z.number().nullable().meta({ description: "Estimated seconds until it is done." }),
  attempt: z.int().meta({ description: "0 before the first start." }),
  cache: z.object({
    policy: z.string(),
    options: z.record(z.string(), z.unknown()),
    speedup: z.number().nullable().meta({ description: "FLOPs without the cache over those computed." }),
  }),
  usage: z
    .object({
      flops: z.string().meta({ description: "Really computed; a reused step costs less. A decimal string." }),
      compute_units: z.number().meta({ description: "TFLOP." }),
      engine_seconds: z.number(),
      video_seconds: z.number(),
    })
    .nullable()
    .meta({ description: "What it took; null before the end." }),
  cost: z.object({
    currency: z.string(),
    amount: amount.nullable().meta({ description: "What was charged; null before the end." }),
    maximum: amount.meta({ description: "What is held until then: the most it can cost." }),
    unit: z.enum(["tflop", "gpu_second", "video_second"]),
    unit_price: amount,
  }),
  trace_url: z
    .string()
    .nullable()
    .meta({ description: "Where the record of every step is, once there is one: a path on this server." }),
});

/** A video in JSON. */
export type VideoObject = z.infer<typeof videoSchema>;

/** A page of videos. */
export const videoListSchema = z.object({
  object: z.literal("list"),
  data: z.array(videoSchema),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
});

/** What is left of a deleted video. */
export const videoDeletedSchema = z.object({
  id: z.string(),
  object: z.literal("video.deleted"),
  deleted: z.literal(true),
});
