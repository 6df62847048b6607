/** The decoder's part of a manifest: latents to video, in calls and tiles. */

import { z } from "zod";
import { count, graph } from "./manifest-parts.ts";

/** FLOPs of one call as a polynomial of its latents: F frames of P = rows · columns latent pixels. */
const decoderFlops = z.strictObject({
  constant: z.number().min(0).default(0),
  plane: z
    .number()
    .default(0)
    .describe("times P; below zero where the first latent frame costs less than the others"),
  pixels: z.number().min(0).default(0).describe("times F times P"),
  pixels_squared: z.number().min(0).default(0).describe("times (F times P) squared"),
});

const decoderGraph = graph.extend({
  frames: count.optional().describe("Video frames that one call gives, where that is always the same."),
  latent_frames: count.optional().describe("Latent frames that this call takes, where the two differ."),
  flops: z
    .union([z.number().min(0), decoderFlops])
    .describe("Of one call: a polynomial of its latents, or a number where it is always the same."),
});

const span = z
  .strictObject({ size: count, stride: count })
  .describe(
    "A tile begins every `stride` latents and is `size` long; neighbours are blended where they overlap.",
  );

const tiles = z
  .strictObject({
    frames: span
      .optional()
      .describe(
        "Clips in time, for a decoder without `next`; used where there are more latent frames than `size`.",
      ),
    rows: span.optional(),
    columns: span.optional(),
  })
  .describe("Rows and columns come together; used where the latents have more of either than its `size`.");

export const decoder = z
  .strictObject({
    first: decoderGraph.describe("Reads the value `latents`; writes `frames` and the state."),
    next: decoderGraph
      .optional()
      .describe(
        "Reads `latents` and the state; writes `frames` and the state. Without it `first` decodes all.",
      ),
    latent_frames: count
      .default(1)
      .describe("Latent frames per call, where there is a `next`; a call may say its own."),
    tiles: tiles.optional(),
    pixel_range: z.tuple([z.number(), z.number()]).describe("The values of black and white."),
  })
  .describe(
    "Latents to video: whole, or a few latent frames at a time with explicit state; in tiles or not.",
  );

export type DecoderManifest = z.infer<typeof decoder>;
export type DecoderFlops = z.infer<typeof decoderGraph>["flops"];
export type TileSpan = z.infer<typeof span>;
