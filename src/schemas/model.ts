/** Models as the API lists them: OpenAI's fields, and what a model can do. */

import { z } from "zod";

const range = z.object({ min: z.number(), max: z.number(), multiple: z.number() });

export const modelSchema = z.object({
  id: z.string(),
  object: z.literal("model"),
  created: z.int(),
  owned_by: z.string(),
  title: z.string(),
  description: z.string(),
  license: z.string(),
  digest: z.string().meta({ description: "Names the bundle exactly." }),
  defaults: z.object({
    size: z.string(),
    seconds: z.string(),
    num_frames: z.int(),
    fps: z.number(),
    num_inference_steps: z.int(),
    output_format: z.string(),
  }),
  limits: z.object({
    width: range,
    height: range,
    num_frames: range.extend({ offset: z.int() }),
    num_inference_steps: z.object({ min: z.int(), max: z.int() }),
    sizes: z.string().meta({ description: "In words." }),
    seconds: z.string().meta({ description: "In words." }),
  }),
  output_formats: z.array(z.string()),
  price: z.object({
    currency: z.string(),
    unit: z.enum(["tflop", "gpu_second", "video_second"]),
    unit_price: z.string(),
  }),
});

export const modelListSchema = z.object({ object: z.literal("list"), data: z.array(modelSchema) });
