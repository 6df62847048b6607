/**
 * The manifest of a bundle, `model.json`: everything the engine knows about a model.
 *
 * A bundle is a folder with this manifest, ONNX graphs, their weights and a tokenizer. The engine has no
 * model's name in its code: what differs between Wan, HunyuanVideo, CogVideoX and the embedded model is said
 * here. The prose version is `docs/bundle-format.md`; its JSON Schema is made from these schemas.
 */

import { z } from "zod";
import { decoder } from "./manifest-decoder.ts";
import { count, dimension, file, flops, graph, index, name } from "./manifest-parts.ts";
import { textEncoder } from "./manifest-text.ts";

/** The format this engine reads. A new major number is a new format. */
export const BUNDLE_FORMAT = "mixcache.bundle/1";

const fileEntry = z
  .strictObject({
    bytes: index,
    sha256: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits"),
    weights: z.array(file).default([]).describe("For a graph: the files of external data it refers to."),
  })
  .describe("One file of the bundle.");

const range = z.strictObject({ min: count, max: count, multiple: count.default(1) });

const video = z
  .strictObject({
    default: z.strictObject({ width: count, height: count, frames: count, fps: z.number().positive() }),
    width: range,
    height: range,
    frames: range.extend({
      offset: index.default(0).describe("frames - offset is a multiple of `multiple`"),
    }),
    max_tokens: count.optional().describe("The largest number of DiT tokens the graphs were made for."),
  })
  .describe("Which videos the model can make.");

const latents = z
  .strictObject({
    channels: count,
    compression: z.tuple([count, count, count]).describe("Frames, rows and columns of video per latent."),
    first_frame_alone: z.boolean().describe("True where the first latent frame stands for one video frame."),
    patch: z.tuple([count, count, count]).describe("Latent frames, rows and columns per DiT token."),
    layout: z.enum(["channels_first", "frames_first"]).default("channels_first"),
    mean: z.array(z.number()).describe("Per channel: what the decoder adds after multiplying by std."),
    std: z.array(z.number().positive()),
  })
  .describe("The latents, [1, channels, frames, height, width] unless the layout says frames first.");

/** How the engine makes a value that no graph makes. */
const provided = z.discriminatedUnion("make", [
  z.strictObject({
    make: z.literal("timestep_sinusoid"),
    dim: count,
    of: z
      .enum(["sigma", "timestep", "guidance"])
      .default("sigma")
      .describe(
        "The noise level in [0, 1], what the scheduler calls its timestep (0 to 1000, for some an integer), or the guidance scale.",
      ),
    scale: z.number().describe("Multiplies it before the sinusoids."),
    precision: z
      .enum(["float64", "float32", "bfloat16"])
      .default("float64")
      .describe(
        "float64: rounded once, at the end. float32: every operation rounded, as PyTorch does. bfloat16: the same, " +
          "and the number times scale is a bfloat16.",
      ),
    max_period: z.number().positive().default(10000),
    cosines_first: z.boolean(),
  }),
  z.strictObject({ make: z.literal("timestep") }).describe("[1]: the scheduler's timestep, 0 to 1000."),
  z.strictObject({ make: z.literal("sigma") }).describe("[1]: the noise level."),
  z
    .strictObject({ make: z.literal("guidance"), scale: z.number() })
    .describe("[1]: the guidance scale times `scale`."),
  z.strictObject({
    make: z.literal("rope"),
    part: z.enum(["cos", "sin"]),
    axes: z
      .tuple([count, count, count])
      .describe("Channels of a head for frames, rows and columns; all even."),
    theta: z.number().positive(),
    precision: z
      .enum(["float64", "float32"])
      .default("float64")
      .describe("float64: rounded once, at the end. float32: every operation rounded, as PyTorch does."),
    base_grid: z
      .tuple([count, count])
      .optional()
      .describe("Rows and columns of tokens that positions are scaled to; default: they count up."),
    dims: z.array(dimension).describe("The shape the graph expects, `tokens` for the number of tokens."),
  }),
  z
    .strictObject({
      make: z.literal("position_sinusoid"),
      axis: z.enum(["frames", "rows", "columns"]),
      dim: count,
      scale: z.number().positive().default(1).describe("Divides positions."),
      max_period: z.number().positive().default(10000),
    })
    .describe("[length of the axis, dim]: sines, then cosines of each position on one axis of the grid."),
]);

const value = z
  .strictObject({
    kind: z
      .enum(["latents", "stream", "step", "prompt", "shape", "output"])
      .describe(
        "latents: the noisy input. stream: carried from block to block. step: changes each step. " +
          "prompt: changes with the prompt and the CFG branch. shape: changes with the video's shape. " +
          "output: the model's prediction.",
      ),
    dims: z.array(dimension),
    dtype: z.enum(["float32", "float16", "int64"]).default("float32"),
    provided: provided.optional().describe("Present on values that the engine computes itself."),
  })
  .describe("A named tensor that graphs read or write.");

const segment = graph.extend({
  id: name,
  blocks: z.tuple([index, index]).describe("The transformer blocks inside, from the first up to the second."),
  flops,
});

const moduleStep = z.strictObject({
  block: index,
  module: name.describe("self_attn, cross_attn, ff, …"),
  compute: graph
    .extend({ flops })
    .describe("Streams and conditioning in, the module's output before its gate out."),
  apply: graph
    .extend({ flops })
    .describe("Streams, the module's output and the gate's conditioning in, streams out."),
});

const guidance = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("cfg"), default_scale: z.number().min(0) }),
  z.strictObject({ kind: z.literal("embedded"), default_scale: z.number().min(0) }),
  z.strictObject({ kind: z.literal("none") }),
]);

const denoiser = z
  .strictObject({
    id: name,
    noise_levels: z
      .tuple([z.number().min(0).max(1), z.number().min(0).max(1)])
      .describe("Serves timesteps with first <= timestep / 1000 < second (the last expert also 1000)."),
    guidance,
    values: z.record(name, value),
    prompt_graphs: z
      .array(graph.extend({ flops }))
      .default([])
      .describe("Run once per prompt, in this order."),
    segments: z
      .array(segment)
      .min(1)
      .describe("Run in this order; the boundaries between them are the cuts."),
    distance_stream: name.describe("The stream on which distances between steps are taken."),
    signals: z
      .record(name, name)
      .default({})
      .describe("Names that policies ask for (timestep_embedding, modulated_input), each with its value."),
    modules: z.array(moduleStep).default([]).describe("A finer partition, in the order of execution."),
  })
  .describe("A DiT, or one expert of several.");

const scheduler = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("flow_match_euler"), shift: z.number().positive() }),
  z.strictObject({
    kind: z.literal("unipc"),
    shift: z.number().positive(),
    order: z.union([z.literal(1), z.literal(2)]).default(2),
  }),
  z
    .strictObject({
      kind: z.literal("ddim"),
      beta_start: z.number().positive().max(1),
      beta_end: z.number().positive().max(1),
      snr_shift: z.number().positive(),
    })
    .describe("DDIM for v-predictions: scaled-linear betas, zero terminal signal-to-noise ratio."),
]);

const variant = z
  .strictObject({ id: name, description: z.string(), replaces: z.record(file, file) })
  .describe("Another precision or attention kernel: these graphs stand in for those; weights may be shared.");

const torch = z
  .strictObject({
    family: z.string().describe("Which of the worker's models it is."),
    weights: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits")
      .describe("Digest of the diffusers folder that the bundle was made from."),
    cuts: z.array(index).optional().describe("Numbers of blocks at which segments end."),
    text_tokens: count.optional(),
    modules: z.boolean().default(false).describe("True where the finer partition was asked for."),
  })
  .describe("How the torch worker makes the same programs of the diffusers folder.");

/** The zod schema of `model.json`. */
export const manifestSchema = z
  .strictObject({
    format: z.literal(BUNDLE_FORMAT),
    id: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/),
    title: z.string(),
    description: z.string().default(""),
    license: z.string(),
    family: z.string().describe("For people and reports; the engine does not read it."),
    video,
    latents,
    text_encoders: z.array(textEncoder).min(1),
    default_negative_prompt: z
      .string()
      .default("")
      .describe("Used where a request has no negative prompt of its own; with guidance by two runs only."),
    denoisers: z.array(denoiser).min(1),
    schedulers: z.array(scheduler).min(1).describe("The first is the default."),
    default_steps: count,
    max_steps: count.default(1000),
    decoder,
    variants: z.array(variant).default([]),
    engines: z
      .array(z.enum(["onnx", "torch"]))
      .min(1)
      .default(["onnx"])
      .describe("What can run it. Without onnx the graphs are names only, and no files."),
    torch: torch.optional().describe("Present where engines has torch."),
    files: z.record(file, fileEntry).describe("Every file but the manifest itself."),
  })
  .meta({ title: "mixcache bundle manifest", id: BUNDLE_FORMAT });

export type Manifest = z.infer<typeof manifestSchema>;
export type DenoiserManifest = z.infer<typeof denoiser>;
export type SegmentManifest = z.infer<typeof segment>;
export type ModuleManifest = z.infer<typeof moduleStep>;
export type SchedulerManifest = z.infer<typeof scheduler>;
export type GraphManifest = z.infer<typeof graph>;
export type ProvidedValue = z.infer<typeof provided>;
