/** Quotes and usage, as the API takes and shows them. */

import { z } from "zod";

const amount = z
  .string()
  .meta({ description: "Decimal, in units of the currency; exact.", example: "0.001234" });
const quantity = z.string().meta({ description: "Decimal, in the price's unit.", example: "0.24" });
const side = z.object({ amount, units: quantity });

export const quoteSchema = z.object({
  object: z.literal("video.quote"),
  model: z.string(),
  currency: z.string(),
  unit: z.enum(["tflop", "gpu_second", "video_second"]),
  unit_price: z.string(),
  expected: side.meta({ description: "What it will probably cost." }),
  max: side.meta({ description: "What would be held: the most it can cost." }),
  basis: z
    .object({
      kind: z.enum(["recent_videos", "measured_preset", "maximum"]).meta({
        description:
          "Where `expected` comes from: completed videos of the same model and cache, what the preset was measured " +
          "to save on this model, or nothing but the maximum.",
      }),
      videos: z.int().nullable().meta({ description: "How many videos." }),
      preset: z.string().nullable(),
    })
    .meta({ description: "Where `expected` comes from." }),
});

const DAY = "it must be a day such as 2026-11-28";
const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, DAY)
  .refine((text) => isDay(text), DAY);

function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

const GROUPS_RULE = "it must be day, key and model, or some of them with commas between";

export const usageQuerySchema = z.object({
  from: day.optional().meta({ description: "The first day, of UTC. Default: 29 days before `to`." }),
  to: day.optional().meta({ description: "The last day, which is in it. Default: today." }),
  group_by: z
    .string()
    .regex(/^(day|key|model)(,(day|key|model)){0,2}$/, GROUPS_RULE)
    .optional()
    .meta({
      description: "`day`, `key`, `model`, or several with commas between. Default day.",
      example: "day,model",
    }),
  limit: z
    .string()
    .regex(/^\d{1,5}$/, "it must be a whole number from 1 to 10000")
    .transform(Number)
    .refine((count) => count >= 1 && count <= 10_000, "it must be a whole number from 1 to 10000")
    .optional()
    .meta({ description: "Rows, 1 to 10000, default 1000.", type: "integer" }),
});

export const usageSchema = z.object({
  object: z.literal("usage"),
  currency: z.string(),
  from: z.string(),
  to: z.string(),
  group_by: z.array(z.enum(["day", "key", "model"])),
  data: z.array(
    z.object({
      day: z.string().nullable().meta({ description: "On which the videos ended; null unless grouped by." }),
      key: z.string().nullable().meta({ description: "The key's id; null for the operator's videos too." }),
      model: z.string().nullable(),
      videos: z.int().meta({ description: "That ended, in whatever way." }),
      completed: z.int(),
      amount,
      flops: z.string().meta({ description: "Really computed. A whole number." }),
      engine_seconds: z.string().meta({ description: "Decimal; exact." }),
      video_seconds: z.string().meta({ description: "Decimal; exact." }),
    }),
  ),
  has_more: z.boolean().meta({ description: "There are more rows than `limit`: ask for fewer days." }),
});
