/** What lists and downloads take in the query. */

import { z } from "zod";

/** A page of a list, from the item after `after`. */
export const afterSchema = z.object({
  after: z.string().min(1).max(100).meta({ description: "The last id of the page before." }).optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, "it must be a whole number from 1 to 100")
    .transform(Number)
    .refine((count) => count >= 1 && count <= 100, "it must be a whole number from 1 to 100")
    .optional()
    .meta({ description: "1 to 100, default 20.", type: "integer" }),
});

/** OpenAI's pages: newest first unless `order` says otherwise. */
export const pageSchema = afterSchema.extend({
  order: z
    .enum(["asc", "desc"], "it must be asc or desc")
    .optional()
    .meta({ description: "By time of creation; default desc." }),
});

/** Items of a page where the query says nothing. */
export const DEFAULT_LIMIT = 20;

export const VARIANTS = ["video", "thumbnail", "spritesheet"] as const;

export type Variant = (typeof VARIANTS)[number];

export const contentSchema = z.object({
  variant: z
    .enum(VARIANTS, "it must be video, thumbnail or spritesheet")
    .optional()
    .meta({ description: "Default video." }),
});
