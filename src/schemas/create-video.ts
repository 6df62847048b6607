/**
 * What `POST /v1/videos` takes: OpenAI's fields, and mixcache's beside them. The shape only; what a model can do is
 * asked where the model is known.
 */

import { z } from "zod";
import type { FormKind } from "./form.ts";
import { eventsSchema } from "./webhook.ts";

/** A seed is less than this. */
const SEED_LIMIT = 1n << 64n;
const LONGEST_DEADLINE_SECONDS = 7 * 24 * 3600;
const MOST_METADATA = 16;
/** More steps than any model takes. */
const MOST_STEPS = 1000;

const seed = z
  .union(
    [
      z.number().int("it must be a whole number").min(0, "it must not be negative"),
      z.string().regex(/^\d{1,20}$/, { error: "it must be a whole number", abort: true }),
    ],
    "it must be a whole number",
  )
  .refine((value) => BigInt(value) < SEED_LIMIT, "it must be less than 2^64")
  .meta({ description: "0 to 2^64 − 1, above 2^53 best as a string. Default: drawn at random." });

const SECONDS_RULE = 'it must be a number of seconds as a string, such as "2"';

const seconds = z
  .union(
    [
      z.string().regex(/^\d{1,5}(\.\d{1,4})?$/, SECONDS_RULE),
      z.number().positive("it must be above 0").max(99_999),
    ],
    SECONDS_RULE,
  )
  .meta({
    description: "Length of the video, a string as in OpenAI's API. Default: the model's.",
    example: "2",
  });

const SIZE_RULE = 'it must be width x height, such as "1280x720"';

const size = z
  .string(SIZE_RULE)
  .regex(/^\d{1,5}x\d{1,5}$/, SIZE_RULE)
  .meta({ description: "Width x height in pixels. Default: the model's.", example: "64x64" });

const metadata = z
  .record(
    z.string().min(1, "it is empty").max(64, "it has more than 64 characters"),
    z.string("values must be strings").max(512, "a value has at most 512 characters"),
  )
  .refine(
    (pairs) => Object.keys(pairs).length <= MOST_METADATA,
    `there may be at most ${MOST_METADATA} pairs`,
  )
  .meta({ description: "Up to 16 pairs of strings that are kept with the video and given back." });

const CACHE_RULE = "it must be the name of a policy, or an object with a policy";

const cache = z.union([z.string().min(1), z.looseObject({ policy: z.string().min(1) })], CACHE_RULE).meta({
  description:
    'What is reused between steps: the name of a policy, such as "mixcache" or "off", or an object with its options ' +
    'beside its name. Default: {"policy": "mixcache", "preset": "high"}.',
  example: { policy: "mixcache", speed: 2 },
});

/** The body of `POST /v1/videos`, as JSON; a form has the same fields. */
export const createVideoSchema = z.strictObject({
  prompt: z
    .string("it must be a text")
    .refine((text) => text.trim() !== "", "it is empty; say what the video should show")
    .meta({ description: "What the video shows.", example: "a red circle moves left on a blue background" }),
  model: z
    .string()
    .min(1)
    .max(200)
    .meta({ description: "One of `GET /v1/models`. Default: the server's." })
    .optional(),
  seconds: seconds.optional(),
  size: size.optional(),
  seed: seed.optional(),
  num_inference_steps: z
    .number("it must be a number")
    .int("it must be a whole number")
    .min(1, "it must be at least 1")
    .meta({ description: "Denoising steps. Default: the model's." })
    .optional(),
  guidance_scale: z
    .number("it must be a number")
    .min(0, "it must not be negative")
    .meta({ description: "How closely the prompt is followed. Default: the model's." })
    .optional(),
  guidance_scale_2: z
    .number("it must be a number")
    .min(0, "it must not be negative")
    .meta({ description: "Of the second denoiser, where a model has two experts." })
    .optional(),
  negative_prompt: z
    .string("it must be a text")
    .meta({ description: "What the video should not show." })
    .optional(),
  num_frames: z
    .number("it must be a number")
    .int("it must be a whole number")
    .min(1, "it must be at least 1")
    .meta({ description: "Instead of `seconds`: the number of frames." })
    .optional(),
  fps: z
    .number("it must be a number")
    .min(1, "it must be at least 1")
    .max(120, "it must be at most 120")
    .meta({ description: "Frames per second of the file. Default: the model's." })
    .optional(),
  output_format: z.enum(["mp4", "webp"], "it must be mp4 or webp").optional(),
  cache: cache.optional(),
  metadata: metadata.optional(),
  previews: z
    .number("it must be a number")
    .int("it must be a whole number")
    .min(0, "it must not be negative")
    .max(MOST_STEPS, `it must be at most ${MOST_STEPS}`)
    .meta({
      description:
        "A small picture of the video as it would become, every so many steps and at most 20 in all; 0 is none. " +
        "They come as events and are not billed. Default: the server's.",
    })
    .optional(),
  deadline_seconds: z
    .number("it must be a number")
    .int("it must be a whole number")
    .min(1, "it must be at least 1")
    .max(LONGEST_DEADLINE_SECONDS, "it must be at most 604800 (7 days)")
    .meta({
      description:
        "Seconds from now by which the video must be done. Not started by then: failed and free. Running: stopped, and " +
        "what was computed is billed.",
    })
    .optional(),
  webhook_url: z
    .string("it must be a text")
    .min(1, "it is empty")
    .meta({
      description:
        "Who is told of this video besides the account's webhooks. Signed with the account's signing secret.",
      example: "https://hooks.example.com/mixcache",
    })
    .optional(),
  webhook_events: eventsSchema
    .optional()
    .meta({ description: "What webhook_url is told of. Default: everything." }),
});

/** How its fields are read in a form. */
export const CREATE_FORM: Readonly<Record<string, FormKind>> = {
  num_inference_steps: "number",
  guidance_scale: "number",
  guidance_scale_2: "number",
  num_frames: "number",
  fps: "number",
  deadline_seconds: "number",
  previews: "number",
  cache: "values",
  metadata: "texts",
};

/**
 * What every version refuses of it, and nothing else: kinds and spellings that are fixed for good. Fields that a later
 * version may have, and limits that it may raise, are not in it.
 */
export const frozenCreateSchema = z.looseObject(
  createVideoSchema.pick({
    prompt: true,
    seconds: true,
    size: true,
    seed: true,
    num_inference_steps: true,
    guidance_scale: true,
    guidance_scale_2: true,
    negative_prompt: true,
    num_frames: true,
  }).shape,
);

/** A request whose shape is right. */
export type CreateVideo = z.infer<typeof createVideoSchema>;

/** The body of `POST /v1/videos/{id}/remix`. */
export const remixSchema = createVideoSchema.pick({ prompt: true });

/** What every version refuses of it. */
export const frozenRemixSchema = z.looseObject(remixSchema.shape);

const TEXT_ONLY = "videos are made from text only";

/** Fields and routes of OpenAI's API that are refused by name, each with the reason. */
export const REFUSED_FIELDS: Readonly<Record<string, string>> = {
  input_reference: TEXT_ONLY,
  characters: "there are no characters here",
  remix_id: "a remix is asked for with POST /v1/videos/{id}/remix",
  remixed_from_video_id: "a remix is asked for with POST /v1/videos/{id}/remix",
  video: TEXT_ONLY,
  image: TEXT_ONLY,
};
